"""Local and remote logits -> one prediction, weighted by alpha = sigmoid(w / T) (Sec 3.3)."""

from __future__ import annotations

import math
from typing import Any

ONE_Q15 = 1 << 15


def combiner(temperature: float) -> Any:
    """A Keras layer: (local, remote) logits -> alpha * local + (1 - alpha) * remote; `alpha()` is the local weight."""
    from keras import layers, ops

    class Combine(layers.Layer):
        def build(self, *_: Any) -> None:
            self.w = self.add_weight(shape=(), initializer="zeros", name="w")

        def alpha(self) -> Any:
            return ops.sigmoid(self.w / temperature)

        def call(self, local: Any, remote: Any) -> Any:
            alpha = self.alpha()
            return alpha * local + (1.0 - alpha) * remote

    return Combine(name="combine")


def q15(alpha: float) -> list[int]:
    """Integer weights [local, remote] in Q15 that sum to exactly 32768."""
    local = min(max(math.floor(alpha * ONE_Q15 + 0.5), 0), ONE_Q15)
    return [local, ONE_Q15 - local]


def logit_shift(local_scale: float, largest_remote: float, margin: float = 2.0) -> int:
    """Largest n <= 7 for which remote logits up to margin * largest_remote fit int16 at scale local_scale / 2**n.

    7 is the most that an int8 difference can be shifted by within int16. Returns 0 where even n = 0 would clip.
    """
    fits = [n for n in range(8) if margin * largest_remote <= 32767 * local_scale / 2**n]
    return max(fits, default=0)
