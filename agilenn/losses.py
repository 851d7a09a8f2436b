"""The two losses that move importance into the first k channels (Sec 4.2). importance: (N, C), rows sum to 1."""

from __future__ import annotations

from typing import Any

from bench.training.backend import keras

ops = keras.ops


def skewness(importance: Any, k: int) -> Any:
    """(N,): share of importance in the first k channels."""
    return ops.sum(importance[:, :k], axis=1)


def skewness_loss(importance: Any, k: int, rho: float) -> Any:
    """(N,): max(0, rho - skewness), Eq 2."""
    return ops.relu(rho - skewness(importance, k))


def disorder_loss(importance: Any, k: int) -> Any:
    """(N,): max(0, largest importance of the other channels - smallest of the first k), Eq 1."""
    return ops.relu(ops.max(importance[:, k:], axis=1) - ops.min(importance[:, :k], axis=1))


def mean_where(values: Any, mask: Any) -> Any:
    """Mean of values (N,) over the samples whose mask (N,) is set; 0 where none is."""
    mask = ops.cast(mask, values.dtype)
    return ops.sum(values * mask) / ops.maximum(ops.sum(mask), 1.0)
