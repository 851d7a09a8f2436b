"""The losses that move importance into the first k channels (Sec 4.2).

importance: (N, C) or (N, H, W, C), of which each sample's values sum to 1.
"""

from __future__ import annotations

from typing import Any

from bench.training.backend import keras

ops = keras.ops


def skewness(importance: Any, k: int) -> Any:
    """(N,): share of importance in the first k channels."""
    return ops.sum(importance[..., :k], axis=others(importance))


def skewness_loss(importance: Any, k: int, rho: float) -> Any:
    """(N,): max(0, rho - skewness), Eq 2."""
    return ops.relu(rho - skewness(importance, k))


def disorder_loss(importance: Any, k: int, margin: float = 0.0) -> Any:
    """(N,): max(0, largest importance of the other channels - smallest of the first k + margin), Eq 1.

    For (N, H, W, C) over all elements, as in the published scripts. A feature that ReLU6 sets to 0 has no importance,
    so the smallest is nearly always 0 there.
    """
    axes = others(importance)
    return ops.relu(ops.max(importance[..., k:], axis=axes) - ops.min(importance[..., :k], axis=axes) + margin)


def descending_loss(importance: Any) -> Any:
    """(N,): squared distance of the importance per channel from the same values in descending order (Fig 9b)."""
    channels = per_channel(importance)
    return ops.sum(ops.square(channels - ops.flip(ops.sort(channels, axis=1), axis=1)), axis=1)


def per_channel(importance: Any) -> Any:
    """(N, C): sums over the map."""
    return importance if len(importance.shape) == 2 else ops.sum(importance, axis=(1, 2))


def others(importance: Any) -> tuple[int, ...]:
    """All axes but the samples'."""
    return tuple(range(1, len(importance.shape)))


def mean_where(values: Any, mask: Any) -> Any:
    """Mean of values (N,) over the samples whose mask (N,) is set; 0 where none is."""
    mask = ops.cast(mask, values.dtype)
    return ops.sum(values * mask) / ops.maximum(ops.sum(mask), 1.0)
