"""Soft-to-hard scalar quantizer (Agustsson et al. 2017) whose centroids follow the features as a running k-means.

Learned centroids merge: the published start puts all in one place, and of an even start 4 of 8 are left. Running means,
with dead centroids moved to where the error is largest, stay apart.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from bench.training.backend import keras

ops = keras.ops
LOW, HIGH = 0.0, 6.0  # ReLU6
GRID = 512  # points of the table that holds the soft quantizer's derivative
SPARSE = 4  # the running k-means looks at every 4th sample of a batch
DECAY = 0.99  # of its running shares
DEAD = 0.002  # a centroid with a smaller share of the values is moved into the cell with the most distortion


class Quantizer(keras.layers.Layer):
    """Features (N, H, W, C) -> their nearest centroids, same shape. `centroids`: (2 ** bits,), ascending.

    Backward pass: the derivative of the soft quantizer sum_i softmax_i(-s (x - c_i)^2) c_i, in closed form 2 s Var(c),
    with s = 1 / (2 d^2) for the mean centroid distance d, read from a table over [0, 6].
    """

    def __init__(self, bits: int) -> None:
        super().__init__(name="quantizer")
        self.levels = 2**bits

    def build(self, *_: Any) -> None:
        even = np.linspace(LOW, HIGH, 2 * self.levels + 1)[1::2].astype(np.float32)
        for name, value in (("centroids", even), ("shares", np.full(self.levels, 1 / self.levels, np.float32))):
            setattr(self, name, self.add_weight(shape=(self.levels,), trainable=False, name=name))
            getattr(self, name).assign(value)

    def call(self, x: Any, training: bool = False) -> Any:
        centroids = ops.convert_to_tensor(self.centroids)
        fixed = ops.stop_gradient(x)
        hard, above = nearest(fixed, centroids)
        if training:
            self.follow(*moments(fixed[::SPARSE], [cell[::SPARSE] for cell in above]))
        table = slope(ops.linspace(LOW, HIGH, GRID), centroids)
        index = ops.clip(ops.cast(fixed * ((GRID - 1) / HIGH) + 0.5, "int32"), 0, GRID - 1)
        return hard + (x - fixed) * ops.stop_gradient(ops.take(table, index))

    def follow(self, n: Any, s: Any, q: Any) -> None:
        """One step of the running k-means from a batch's moments."""
        old, shares = ops.convert_to_tensor(self.centroids), DECAY * self.shares + (1 - DECAY) * n
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


def nearest(x: Any, centroids: Any) -> tuple[Any, list[Any]]:
    """(nearest centroid of every value, [1.0 where x is beyond the j-th boundary]) for ascending centroids.

    A boundary lies midway between two centroids; a value on it goes to the lower one.
    """
    hard, above = centroids[0] * ops.ones_like(x), []
    for low, high in pairwise(range(centroids.shape[0])):
        beyond = ops.cast(x > (centroids[low] + centroids[high]) / 2, x.dtype)
        hard = hard + beyond * (centroids[high] - centroids[low])
        above.append(beyond)
    return hard, above


def moments(x: Any, above: list[Any]) -> tuple[Any, Any, Any]:
    """Share, sum and sum of squares of the values in each cell, over the number of all values: three (levels,)."""
    cells = [low - high for low, high in pairwise([ops.ones_like(x), *above, ops.zeros_like(x)])]
    powers = (ops.ones_like(x), x, x * x)
    n, s, q = (ops.stack([ops.mean(cell * power) for cell in cells]) for power in powers)
    return n, s, q


def slope(x: Any, centroids: Any) -> Any:
    """Derivative of the soft quantizer at x (M,): 2 s times the variance of the softly chosen centroid."""
    step = (centroids[-1] - centroids[0]) / (centroids.shape[0] - 1)
    sharp = 0.5 / (step * step + 1e-6)
    weights = ops.softmax(-sharp * ops.square(x[:, None] - centroids[None, :]))
    mean = ops.sum(weights * centroids, axis=1)
    return 2 * sharp * (ops.sum(weights * centroids * centroids, axis=1) - mean * mean)


def table(centroids: np.ndarray, scale: float, zero: int) -> list[int]:
    """Symbol of every int8 feature value (index = value + 128): the Voronoi cells of ascending centroids, ties to the
    lower one, as in `nearest`.
    """
    values, centres = (np.arange(-128, 128) - zero) * np.float64(scale), np.asarray(centroids, np.float64)
    return [int(i) for i in np.searchsorted((centres[:-1] + centres[1:]) / 2, values, side="left")]
