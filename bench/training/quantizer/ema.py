"""Scalar quantizer whose centroids follow the features as a running k-means; soft only in its backward pass.

Learned centroids merge: the published start puts all in one place, and of an even start 4 of 8 are left. Running means,
with dead centroids moved to where the error is largest, stay apart.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from bench.training.backend import compiled, keras
from bench.training.quantizer.cells import HIGH, LOW, SPARSE, nearest
from bench.training.quantizer.soft import soft_to_hard

ops = keras.ops
DECAY = 0.99  # of the running shares
DEAD = 0.002  # a centroid with a smaller share of the values is moved into the cell with the most distortion


class RunningMeans(keras.layers.Layer):
    """Features (N, H, W, C) -> their nearest centroids, same shape. `centroids`: (2 ** bits,), ascending.

    Sharpness of the soft choice: 1 / (2 d^2) for the mean distance d between centroids.
    """

    def __init__(self, bits: int) -> None:
        super().__init__(name="quantizer")
        self.levels = 2**bits

    def build(self, *_: Any) -> None:
        even = np.linspace(LOW, HIGH, 2 * self.levels + 1)[1::2].astype(np.float32)
        self.centroids = self.variable("centroids", even)
        self.shares = self.variable("shares", np.full(self.levels, 1 / self.levels, np.float32))

    def variable(self, name: str, start: np.ndarray) -> Any:
        """An untrained weight. The start is an initializer: Keras loses what is assigned while it builds a model."""
        return self.add_weight(shape=start.shape, initializer=lambda *_, **__: start, trainable=False, name=name)

    def call(self, x: Any, training: bool = False) -> Any:
        centroids = ops.stop_gradient(self.centroids)  # a read; TensorFlow's conversion would read after the update
        if training:
            self.follow(*moments(ops.stop_gradient(x[::SPARSE]), centroids))
        step = (centroids[-1] - centroids[0]) / (self.levels - 1)
        return soft_to_hard(x, centroids, 0.5 / (step * step + 1e-6))

    def follow(self, n: Any, s: Any, q: Any) -> None:
        """One step of the running k-means from a batch's moments."""
        old, shares = ops.stop_gradient(self.centroids), DECAY * self.shares + (1 - DECAY) * n
        # a centroid moves towards its cell's mean by the part of its running share that this batch makes up
        mean = s / ops.maximum(n, 1e-9)
        new = old + ops.minimum((1 - DECAY) * n / ops.maximum(shares, 1e-9), 1.0) * (mean - old)
        distortion = q - 2 * old * s + old * old * n
        worst, weakest = ops.argmax(distortion), ops.argmin(shares)
        spread = ops.sqrt(ops.maximum(ops.take(distortion / ops.maximum(n, 1e-9), worst), 0.0))
        dead = ops.take(shares, weakest) < DEAD
        moved = ops.logical_and(dead, ops.equal(ops.arange(self.levels), ops.cast(weakest, "int32")))
        new = ops.where(moved, ops.clip(ops.take(old, worst) + spread, LOW, HIGH), new)
        shares = ops.where(moved, ops.take(shares, worst) / 2, shares)
        order = ops.argsort(new)
        self.centroids.assign(ops.take(new, order))
        self.shares.assign(ops.take(shares, order))


@compiled
def moments(x: Any, centroids: Any) -> tuple[Any, Any, Any]:
    """Share, sum and sum of squares of the values in each cell, over the number of all values: three (levels,)."""
    _, above = nearest(x, centroids)
    cells = [low - high for low, high in pairwise([ops.ones_like(x), *above, ops.zeros_like(x)])]
    powers = (ops.ones_like(x), x, x * x)
    n, s, q = (ops.stack([ops.mean(cell * power) for cell in cells]) for power in powers)
    return n, s, q
