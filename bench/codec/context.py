"""rANS under static tables for maps of few-valued symbols: shape (channels, height, width), 1 to 4 bits each.

Asymmetric numeral systems (Duda 2013): the state x, 2^15 <= x < 2^31, takes in one coded event after the other, the
last of the stream first, so that a decoder gives them back in order. For an event (start, frequency), in 4096ths: when
x >= frequency * 2^19, the low 16 bits of x leave as the next word; then x becomes
(x / frequency) * 4096 + x mod frequency + start. The payload is those words, little-endian, then x in four bytes; a
decoder reads it from the end. It must end with no word left and x = 2^15, where the encoder began: damage rarely goes
unseen.

Order of events: channel by channel, line by line, from the left; of each quiet block (see tables.py) "all zero?", then
its symbols unless it is. A stream that would not be shorter than its symbols packed at `bits` each is sent packed; its
length tells.
"""

from __future__ import annotations

import ctypes
from math import prod
from pathlib import Path

import numpy as np

from bench import native
from bench.codec import packed
from bench.codec.tables import BLOCK, TOTAL, TOTAL_BITS, Tables, contexts
from bench.errors import DataError

LOW = 1 << 15
DECODER = Path(__file__).with_name("context.c")


def check(tables: Tables, bits: int, shape: tuple[int, ...]) -> None:
    """Raises DataError unless symbols of this shape are what the tables were made for."""
    got = (bits, *shape[:1])
    if len(shape) != 3 or got != (tables.bits, len(tables.quiet)):
        expected = f"{tables.bits} bits, shape ({len(tables.quiet)}, height, width) as its tables"
        raise DataError("context coder", expected=expected, got=f"{bits} bits, shape {shape}")


def max_bytes(tables: Tables, shape: tuple[int, ...], bits: int) -> int:
    check(tables, bits, shape)
    return packed.max_bytes(prod(shape), bits)


def encode(tables: Tables, symbols: np.ndarray, bits: int) -> bytes:
    """uint8 symbols (C, H, W) -> bytes. Raises DataError for another shape or a symbol out of range."""
    check(tables, bits, symbols.shape)
    whole = packed.encode(symbols, bits)
    starts, sizes = events(tables, symbols)
    x, words = LOW, []
    for start, size in zip(reversed(starts), reversed(sizes), strict=True):
        if x >= size << 31 - TOTAL_BITS:
            words.append(x & 0xFFFF)
            x >>= 16
        x = (x // size << TOTAL_BITS) + x % size + start
    data = np.array(words, "<u2").tobytes() + x.to_bytes(4, "little")
    return data if len(data) < len(whole) else whole


def events(tables: Tables, symbols: np.ndarray) -> tuple[list[int], list[int]]:
    """(start, frequency) of every coded event of the map, in the order of decoding."""
    context, quiet, zero = contexts(symbols, tables.bits)
    (c, h, w), b = symbols.shape, quiet.shape[2]
    channel = np.arange(c)[:, None, None]
    row, ends = tables.context[channel, context], np.cumsum(tables.rows, axis=1, dtype=np.int64)
    yes = np.broadcast_to(tables.quiet[:, None, None], zero.shape)
    sizes = tables.rows[row, symbols].astype(np.int64)
    starts = ends[row, symbols] - sizes

    def line(block: np.ndarray, single: np.ndarray) -> np.ndarray:
        """Each block's own event before its symbols, then the symbols of no block: (c, h, b * 5 + w % 4)."""
        grouped = single[..., : b * BLOCK].reshape(c, h, b, BLOCK)
        blocks = np.concatenate([block[..., None], grouped], axis=3).reshape(c, h, -1)
        return np.concatenate([blocks, single[..., b * BLOCK :]], axis=2)

    spoken = np.ones((c, h, w), bool)
    spoken[..., : b * BLOCK] = ~np.repeat(zero, BLOCK, axis=2)
    coded = line(quiet, spoken)
    start = line(np.where(zero, 0, yes), starts)[coded]
    return start.tolist(), line(np.where(zero, yes, TOTAL - yes), sizes)[coded].tolist()


def decode(tables: Tables, data: bytes, bits: int, shape: tuple[int, ...]) -> np.ndarray:
    """bytes -> uint8 [C * H * W]. Raises DataError for a stream that is not well formed."""
    check(tables, bits, shape)
    count = prod(shape)
    most = packed.max_bytes(count, bits)
    if len(data) == most:
        return packed.decode(data, bits, count)
    if len(data) > most or len(data) < 4 or len(data) % 2:
        raise DataError("context stream", expected=f"4, 6, 8 ... bytes, or {most}", got=len(data))
    symbols = np.empty(count, np.uint8)
    ends = np.cumsum(tables.rows, axis=1).astype(np.uint16)
    arrays = (np.frombuffer(data, np.uint8), ends, tables.quiet, tables.context, symbols)
    pointers = (ctypes.c_void_p(array.ctypes.data) for array in arrays)
    if not native.library(DECODER).context_decode(*pointers, len(data), bits, *shape):
        raise DataError("context stream", expected=f"{count} symbols and no more", got=f"{len(data)} damaged bytes")
    return symbols
