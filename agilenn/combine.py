"""Local and remote logits -> one prediction, weighted by a trained alpha (Sec 3.3)."""

from __future__ import annotations

import math
from typing import Any

from bench.training.backend import keras

ONE_Q15 = 1 << 15
MOST_SHIFT = 7  # an int8 difference, up to 255, shifted by more leaves int16


class Combine(keras.layers.Layer):
    """(local, remote) logits (N, classes) -> alpha * local + (1 - alpha) * remote, alpha trained.

    kind "sigmoid": alpha = sigmoid(w / T), Sec 3.3. "softmax": of two weights over T, as in the published scripts.
    """

    def __init__(self, kind: str, temperature: float) -> None:
        super().__init__(name="combine")
        self.kind, self.temperature = kind, temperature

    def build(self, *_: Any) -> None:
        if self.kind == "sigmoid":
            self.w = self.add_weight(shape=(), initializer="zeros", name="w")
        else:
            normal = keras.initializers.RandomNormal(1.0, 2.0)
            self.w = self.add_weight(shape=(2,), initializer=normal, name="w")

    def alpha(self) -> Any:
        """Weight of the local logits, in (0, 1)."""
        w = self.w if self.kind == "sigmoid" else self.w[0] - self.w[1]
        return keras.ops.sigmoid(w / self.temperature)

    def call(self, local: Any, remote: Any) -> Any:
        alpha = self.alpha()
        return alpha * local + (1.0 - alpha) * remote


def q15(alpha: float) -> list[int]:
    """Integer weights [local, remote] in Q15 that sum to exactly 32768."""
    local = min(max(math.floor(alpha * ONE_Q15 + 0.5), 0), ONE_Q15)
    return [local, ONE_Q15 - local]


def logit_shift(local_scale: float, largest_remote: float) -> int:
    """Largest n <= 7 for which remote logits up to 2 * largest_remote fit int16 at scale local_scale / 2**n.

    Returns 0 where even that would clip.
    """
    fits = [n for n in range(MOST_SHIFT + 1) if 2 * largest_remote <= 32767 * local_scale / 2**n]
    return max(fits, default=0)
