"""The context coder's static model: which probabilities a symbol has, given its left and upper neighbours.

Every (channel, left, up) is a context. Contexts share `rows`: a row holds the 2^bits frequencies of its symbols, in
4096ths. A block of four symbols with zeros above and to the left is called quiet; one coded event says whether it is
all zero, with a frequency of its own per channel. A quiet block that is not has contexts of its own, of `left` alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.errors import DataError

TOTAL_BITS = 12
TOTAL = 1 << TOTAL_BITS
BLOCK = 4
MOST_BITS = 4
MOST_ENTRIES = 1536  # coded events of all rows and channels; bench/firmware/stages/context.c keeps them in scratch
ROWS = 32
ROUNDS = 40  # of clustering, at most
BATCH = 64  # images counted at a time


@dataclass(frozen=True)
class Tables:
    """bits: per symbol. rows [rows, 2^bits]: frequencies, 1 or more, that add up to TOTAL. quiet [channels]: frequency
    of "all zero". context [channels, 4^bits + 2^bits]: row of context up * 2^bits + left, then of left in a block that
    is not all zero though quiet.
    """

    bits: int
    rows: np.ndarray
    quiet: np.ndarray
    context: np.ndarray

    def integers(self) -> list[int]:
        """bits, channels, rows, then the three arrays: what a deployment holds."""
        head = [self.bits, len(self.quiet), len(self.rows)]
        return head + [int(v) for part in (self.rows, self.quiet, self.context) for v in part.reshape(-1)]

    @classmethod
    def read(cls, integers: Sequence[int]) -> Tables:
        """Raises DataError unless they are sound: a decoder can trust them."""
        values = list(integers)
        if len(values) < 3 or not all(type(v) is int and 0 <= v < TOTAL for v in values):
            raise DataError("context tables", expected=f"integers from 0 to {TOTAL - 1}", got=f"{values[:3]} ...")
        bits, channels, rows = values[:3]
        levels = 1 << min(bits, MOST_BITS)
        sizes = [rows * levels, channels, channels * (levels + 1) * levels]
        if not 1 <= bits <= MOST_BITS or not channels or not rows or len(values) != 3 + sum(sizes):
            expected = f"1 to {MOST_BITS} bits, channels, rows, then all their integers"
            raise DataError("context tables", expected=expected, got=f"{values[:3]} and {len(values) - 3} integers")
        if sizes[0] + 2 * channels > MOST_ENTRIES:
            raise DataError("context tables", expected=f"{MOST_ENTRIES} entries", got=sizes[0] + 2 * channels)
        flat = np.array(values[3:], np.uint16)
        parts = np.split(flat, np.cumsum(sizes)[:2])
        tables = cls(bits, parts[0].reshape(rows, levels), parts[1], parts[2].reshape(channels, -1))
        if (tables.rows.sum(axis=1) != TOTAL).any() or not tables.rows.all() or not tables.quiet.all():
            raise DataError("context tables", expected=f"frequencies of 1 or more that add up to {TOTAL} in each row")
        if tables.context.max() >= rows:
            raise DataError("context tables", expected=f"contexts below {rows} rows", got=int(tables.context.max()))
        return tables


def contexts(planes: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """planes (..., H, W) -> columns of Tables.context (..., H, W); which blocks are quiet, which of these all zero
    (..., H, W // BLOCK). The W % BLOCK symbols at the end of a line belong to no block.
    """
    left, up = np.zeros_like(planes, np.uint16), np.zeros_like(planes, np.uint16)
    left[..., 1:], up[..., 1:, :] = planes[..., :-1], planes[..., :-1, :]
    whole = planes.shape[-1] // BLOCK * BLOCK
    blocks = (*planes.shape[:-1], whole // BLOCK, BLOCK)
    quiet = ~(up[..., :whole].reshape(blocks).any(axis=-1) | left[..., :whole:BLOCK].astype(bool))
    zero = quiet & ~planes[..., :whole].reshape(blocks).any(axis=-1)
    context = (up << bits) + left
    context[..., :whole] += np.repeat(quiet, BLOCK, axis=-1).astype(np.uint16) << 2 * bits
    return context, quiet, zero


def train_tables(symbols: np.ndarray, levels: int) -> list[int]:
    """symbols uint8 (N, H, W, C) of training images, each below `levels` (2 to 16) -> integers for a deployment."""
    bits = (levels - 1).bit_length()
    if not 1 <= bits <= MOST_BITS or symbols.ndim != 4 or not symbols.size or symbols.max() >= levels:
        expected = f"(N, H, W, C) symbols below levels, 2 to {1 << MOST_BITS} levels"
        raise DataError("symbols to train tables with", expected=expected, got=f"{symbols.shape}, {levels} levels")
    counts, yes, no = count(symbols, bits)
    usual = counts.sum(axis=0) + 1.0  # per context, of all channels: what an unseen one is like
    prior = usual / usual.sum(axis=1, keepdims=True)
    smooth = (counts + prior).reshape(-1, 1 << bits)
    assigned, shares = cluster(smooth, ROWS)
    quiet = np.clip(np.rint(TOTAL * (yes + 0.5) / (yes + no + 1)), 1, TOTAL - 1).astype(np.uint16)
    return Tables(bits, np.array([frequencies(share) for share in shares]), quiet, assigned).integers()


def count(symbols: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(N, H, W, C) -> how often each symbol came [C, contexts, 2^bits], how often quiet blocks were all zero or not."""
    channels, levels = symbols.shape[-1], 1 << bits
    columns = levels * levels + levels
    counts = np.zeros(channels * columns * levels, np.int64)
    yes, no = np.zeros(channels, np.int64), np.zeros(channels, np.int64)
    for first in range(0, len(symbols), BATCH):
        planes = np.moveaxis(symbols[first : first + BATCH], -1, 1)
        context, quiet, zero = contexts(planes, bits)
        whole = zero.shape[-1] * BLOCK
        coded = np.ones(planes.shape, bool)
        coded[..., :whole] = ~np.repeat(zero, BLOCK, axis=-1)
        where = np.arange(channels)[:, None, None] * columns + context.astype(np.int64)
        counts += np.bincount((where * levels + planes)[coded], minlength=counts.size)
        yes += zero.sum(axis=(0, 2, 3))
        no += (quiet & ~zero).sum(axis=(0, 2, 3))
    return counts.reshape(channels, columns, levels), yes, no


def cluster(counts: np.ndarray, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """counts [contexts, levels] -> row of each context, shares [rows, levels]: k-means under coding cost, begun from
    contexts ordered by their mean symbol, in parts of equal weight.
    """
    levels, weight = counts.shape[1], counts.sum(axis=1)
    order = np.argsort(counts @ np.arange(levels) / weight, kind="stable")
    assigned = np.empty(len(counts), np.int64)
    assigned[order] = np.minimum(np.cumsum(weight[order]) / weight.sum() * rows, rows - 1)
    for _ in range(ROUNDS):
        sums = np.stack([np.bincount(assigned, weights=column, minlength=rows) for column in counts.T], axis=1)
        shares = (sums + 1 / levels) / (sums.sum(axis=1, keepdims=True) + 1)
        closest = np.argmin(counts @ -np.log2(np.maximum(shares, 1 / TOTAL)).T, axis=1)
        if np.array_equal(closest, assigned):
            break
        assigned = closest
    return assigned.astype(np.uint16), shares


def frequencies(shares: np.ndarray) -> np.ndarray:
    """Shares that add up to 1 -> integers of 1 or more that add up to TOTAL; the largest takes up the rounding."""
    found = np.maximum(np.rint(shares * TOTAL), 1).astype(np.int64)
    found[np.argmax(found)] += TOTAL - found.sum()
    return found.astype(np.uint16)
