"""Which symbol stands for which feature: what the device's table and the server's values say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ROUNDS = 50  # of Lloyd's algorithm, at most


@dataclass(frozen=True)
class Symbols:
    """table[q + 128]: symbol of the int8 feature q; values[s]: what symbol s stands for; real = scale * (q - zero)."""

    table: tuple[int, ...]
    values: tuple[float, ...]
    scale: float
    zero: int

    def values_of(self, features: np.ndarray) -> np.ndarray:
        """float32 features as the server gets them: int8, symbol, value."""
        q = np.clip(np.rint(features / self.scale) + self.zero, -128, 127).astype(int)
        return np.array(self.values, np.float32)[np.array(self.table)[q + 128]]


def linear(scale: float, zero: int) -> Symbols:
    """All 256 features, numbered by their distance from zero: then the high bit planes of a map are nearly empty."""
    q = np.arange(-128, 128)
    order = np.lexsort((q, np.abs(q - zero)))
    values = scale * (q[order] - zero)
    return Symbols(tuple(np.argsort(order).tolist()), tuple(values.tolist()), scale, zero)


def lloyd(features: np.ndarray, bits: int, scale: float, zero: int) -> Symbols:
    """2^bits levels with the least squared error on int8 features (Lloyd 1982), numbered from the nearest to zero."""
    counts = np.bincount(features.reshape(-1).astype(int) + 128, minlength=256).astype(float)
    q = np.arange(-128, 128)
    used = np.flatnonzero(counts)
    centres = np.linspace(used[0] - 128, used[-1] - 128, 1 << bits)
    for _ in range(ROUNDS):
        cell = np.abs(q[:, None] - centres).argmin(axis=1)
        weight = np.bincount(cell, counts, len(centres))
        moved = np.bincount(cell, counts * q, len(centres)) / np.maximum(weight, 1)
        moved = np.sort(np.where(weight > 0, moved, centres))
        if np.array_equal(moved, centres):
            break
        centres = moved
    centres = centres[np.argsort(np.abs(centres - zero), kind="stable")]
    table = np.abs(q[:, None] - centres).argmin(axis=1)
    return Symbols(tuple(table.tolist()), tuple((scale * (centres - zero)).tolist()), scale, zero)
