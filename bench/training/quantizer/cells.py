"""Which centroid a value belongs to: cells of ascending centroids (levels,), their shares, and the device's table."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from bench.training.backend import keras

ops = keras.ops
LOW, HIGH = 0.0, 6.0  # of the features: ReLU6
SPARSE = 4  # statistics look at every 4th sample of a batch


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


def shares(x: Any, centroids: Any) -> Any:
    """Share of the values of a batch (N, ...) in each cell, (levels,), from every 4th sample. No gradient."""
    _, above = nearest(ops.stop_gradient(x[::SPARSE]), ops.stop_gradient(centroids))
    beyond = ops.stack([1.0, *map(ops.mean, above), 0.0])
    return beyond[:-1] - beyond[1:]


def entropy(shares: Any) -> Any:
    """Bits per symbol, scalar, of symbols with these shares (levels,): what a coder without context would need."""
    p = ops.convert_to_tensor(shares, "float32")
    return -ops.sum(p * ops.log2(ops.maximum(p, 1e-12)))


def table(centroids: np.ndarray, scale: float, zero: int) -> list[int]:
    """Symbol of every int8 feature value (index = value + 128): the Voronoi cells of ascending centroids, ties to the
    lower one, as in `nearest`.
    """
    values, centres = (np.arange(-128, 128) - zero) * np.float64(scale), np.asarray(centroids, np.float64)
    return [int(i) for i in np.searchsorted((centres[:-1] + centres[1:]) / 2, values, side="left")]
