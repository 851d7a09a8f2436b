"""Scalar quantizers of the features that travel, by name; how values fall into cells is the same for all of them."""

from __future__ import annotations

from typing import Any

from agilenn.quantizer.published import Published
from bench.errors import BenchError, UnknownName
from bench.training.quantizer.cells import entropy, nearest, shares, table
from bench.training.quantizer.ema import RunningMeans

KINDS = {"ema": RunningMeans, "published": Published}

__all__ = ["KINDS", "build", "entropy", "nearest", "shares", "table"]


def build(kind: str, bits: int) -> Any:
    """A layer (N, H, W, C) -> nearest centroids, same shape. `levels` = 2 ** bits; `centroids`: (levels,), ascending.

    kind: "ema" (running means, all centroids stay in use) or "published" (learned by gradient; they tend to merge).
    """
    if kind not in KINDS:
        raise UnknownName("quantizer", kind, KINDS)
    if bits not in range(1, 5):
        raise BenchError("bits per symbol", expected="1 to 4", got=bits)
    return KINDS[kind](bits)
