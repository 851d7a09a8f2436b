"""The quantizer of the published scripts: centroids learned by gradient through a soft choice without temperature."""

from __future__ import annotations

from typing import Any

from bench.training.backend import keras
from bench.training.quantizer.cells import HIGH
from bench.training.quantizer.soft import soft_to_hard

ops = keras.ops


class Published(keras.layers.Layer):
    """Features (N, H, W, C) -> their nearest centroids, same shape.

    The centroids are 6 sigmoid(p) for trained p that start as normal noise of deviation 0.05: all of them near 3.
    """

    def __init__(self, bits: int) -> None:
        super().__init__(name="quantizer")
        self.levels = 2**bits

    def build(self, *_: Any) -> None:
        start = keras.initializers.RandomNormal(stddev=0.05)
        self.places = self.add_weight(shape=(self.levels,), initializer=start, name="places")

    @property
    def centroids(self) -> Any:
        """(levels,), ascending, in (0, 6)."""
        return ops.sort(HIGH * ops.sigmoid(self.places))

    def call(self, x: Any, training: bool = False) -> Any:
        return soft_to_hard(x, self.centroids, ops.ones(()))
