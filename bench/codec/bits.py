"""Prefix codes and bit strings, first bit highest: what the two image coders share."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

import numpy as np

SPARE = 8  # bytes that the device may write beyond a stream


def pack(codes: np.ndarray, sizes: np.ndarray, fill: int = 0) -> bytes:
    """Codes one after the other, each in as many bits as `sizes` says; the last byte is filled with bits `fill`."""
    place = sizes[:, None] - 1 - np.arange(int(sizes.max(initial=0)))
    bits = (codes[:, None] >> np.maximum(place, 0) & 1)[place >= 0].astype(np.uint8)
    return np.packbits(np.pad(bits, (0, -len(bits) % 8), constant_values=fill)).tobytes()


def canonical(sizes: Sequence[int] | np.ndarray) -> np.ndarray:
    """The code of each symbol from the code sizes alone, shorter first, then by symbol: int64; size 0: no code."""
    codes, code, last = np.zeros(len(sizes), np.int64), 0, 0
    for symbol in sorted(range(len(sizes)), key=lambda s: (sizes[s], s)):
        if sizes[symbol]:
            code <<= int(sizes[symbol]) - last
            codes[symbol], last = code, int(sizes[symbol])
            code += 1
    return codes


def huffman(counts: np.ndarray, longest: int) -> list[int]:
    """Code sizes of 1 to `longest` bits for symbols that occur so often (Huffman 1952).

    Where a code would be longer, the counts are evened out until none is.
    """
    weights = np.asarray(counts, float)
    while True:
        queue: list[tuple[float, int, tuple[int, ...]]] = [(float(weight), i, (i,)) for i, weight in enumerate(weights)]
        heapq.heapify(queue)
        sizes = [0] * len(weights)
        while len(queue) > 1:
            (one, _, left), (two, i, right) = heapq.heappop(queue), heapq.heappop(queue)
            for symbol in left + right:
                sizes[symbol] += 1
            heapq.heappush(queue, (one + two, i, left + right))
        if max(sizes) <= longest:
            return sizes
        weights = weights + weights.sum() / 2 ** (longest + 2)
