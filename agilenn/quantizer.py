"""Soft-to-hard scalar quantizer (Agustsson et al. 2017) whose centroids follow the features as a running k-means.

Learned centroids merge (published start: all at one place; even start: 4 of 8 left); running means with re-seeding stay apart.
"""

from __future__ import annotations

from typing import Any

import numpy as np

LOW, HIGH = 0.0, 6.0  # ReLU6
GRID = 512  # points of the table that holds the soft quantizer's derivative
SPARSE = 4  # the running k-means looks at every 4th sample of a batch
DEAD = 0.002  # a centroid with a smaller share of the values is moved into the cell with the most distortion


def quantizer(bits: int, decay: float = 0.99) -> Any:
    """A Keras layer: features (N, H, W, C) -> their nearest centroids, same shape.

    Backward pass: the derivative of the soft quantizer sum_i softmax_i(-s (x - c_i)^2) c_i, in closed form 2 s Var(c),
    with s = 1 / (2 d^2) for the mean centroid distance d, read from a table over [0, 6]. `centroids`: (2 ** bits,), ascending.
    """
    from keras import layers, ops

    levels = 2**bits

    class Quantizer(layers.Layer):
        def build(self, shape: Any) -> None:
            even = np.linspace(LOW, HIGH, 2 * levels + 1)[1::2].astype(np.float32)
            for name, value in (("centroids", even), ("shares", np.full(levels, 1 / levels, np.float32))):
                setattr(self, name, self.add_weight(shape=(levels,), initializer="zeros", trainable=False, name=name))
                getattr(self, name).assign(value)

        def call(self, x: Any, training: bool = False) -> Any:
            centroids = ops.convert_to_tensor(self.centroids)
            hard, cells = nearest(x, centroids)
            if training:
                self.follow(ops.stop_gradient(x)[::SPARSE], [c[::SPARSE] for c in cells])
            grid = ops.linspace(LOW, HIGH, GRID)
            index = ops.cast(ops.stop_gradient(x) * ((GRID - 1) / HIGH) + 0.5, "int32")
            passed = ops.take(slope(grid, centroids), ops.clip(index, 0, GRID - 1))
            return ops.stop_gradient(hard) + (x - ops.stop_gradient(x)) * ops.stop_gradient(passed)

        def follow(self, x: Any, above: list[Any]) -> None:
            """One step of the running k-means. above[j]: 1 where x lies beyond boundary j."""
            count = ops.cast(ops.size(x), "float32")
            ends = [ops.ones_like(x), *above, ops.zeros_like(x)]
            n, s, q = [], [], []
            for low, high in zip(ends[:-1], ends[1:], strict=True):
                inside = low - high
                n.append(ops.sum(inside) / count)
                s.append(ops.sum(inside * x) / count)
                q.append(ops.sum(inside * x * x) / count)
            self.assign_step(ops.stack(n), ops.stack(s), ops.stack(q))

        def assign_step(self, n: Any, s: Any, q: Any) -> None:
            """n, s, q: share, sum and sum of squares of the values in each cell, over the number of all values."""
            old, shares = ops.convert_to_tensor(self.centroids), decay * self.shares + (1 - decay) * n
            # a centroid moves towards its cell's mean by the part of its running share that this batch makes up
            mean = s / ops.maximum(n, 1e-9)
            new = old + ops.minimum((1 - decay) * n / ops.maximum(shares, 1e-9), 1.0) * (mean - old)
            distortion = q - 2 * old * s + old * old * n
            worst, weakest = ops.argmax(distortion), ops.argmin(shares)
            spread = ops.sqrt(ops.maximum(ops.take(distortion / ops.maximum(n, 1e-9), worst), 0.0))
            dead = ops.take(shares, weakest) < DEAD
            here = ops.logical_and(dead, ops.equal(ops.arange(levels), ops.cast(weakest, "int32")))
            new = ops.where(here, ops.clip(ops.take(old, worst) + spread, LOW, HIGH), new)
            shares = ops.where(here, ops.take(shares, worst) / 2, shares)
            order = ops.argsort(new)
            self.centroids.assign(ops.take(new, order))
            self.shares.assign(ops.take(shares, order))

    return Quantizer(name="quantizer")


def nearest(x: Any, centroids: Any) -> tuple[Any, list[Any]]:
    """(nearest centroid of every value, [1.0 where x is beyond the j-th boundary]) for ascending centroids.

    A boundary lies midway between two centroids; a value on it goes to the lower one.
    """
    from keras import ops

    hard, above = centroids[0] * ops.ones_like(x), []
    for low, high in zip(range(centroids.shape[0] - 1), range(1, centroids.shape[0]), strict=True):
        beyond = ops.cast(x > (centroids[low] + centroids[high]) / 2, x.dtype)
        hard = hard + beyond * (centroids[high] - centroids[low])
        above.append(beyond)
    return hard, above


def slope(x: Any, centroids: Any) -> Any:
    """Derivative of the soft quantizer at x, same shape: 2 s times the variance of the softly chosen centroid."""
    from keras import ops

    levels = centroids.shape[0]
    step = (centroids[-1] - centroids[0]) / (levels - 1)
    sharp = 0.5 / (step * step + 1e-6)
    zero = first = second = ops.zeros_like(x)
    for i in range(levels):
        weight = ops.exp(-sharp * ops.square(x - centroids[i])) + 1e-9
        zero, first, second = zero + weight, first + weight * centroids[i], second + weight * centroids[i] ** 2
    mean = first / zero
    return 2 * sharp * (second / zero - mean * mean)


def table(centroids: np.ndarray, scale: float, zero: int) -> list[int]:
    """Symbol of every int8 feature value (index = value + 128): the centroids' Voronoi cells; ties to the lower symbol."""
    values = (np.arange(-128, 128) - zero) * np.float64(scale)
    distance = np.abs(values[:, None] - np.asarray(centroids, np.float64)[None, :])
    return [int(i) for i in distance.argmin(axis=1)]
