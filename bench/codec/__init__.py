"""Coders by name. Each has a C twin in bench/firmware/stages that writes the same bytes.

lzw: what the paper uses; packed: every symbol in `bits` bits; context: rANS under static tables (`train_tables`);
lz4: bit planes, then LZ4 (SPINN).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

from bench.codec import context, lz4, lzw, packed
from bench.codec.tables import Tables, train_tables
from bench.errors import DataError, UnknownName

__all__ = ["CODERS", "Coder", "coder", "train_tables"]
CODERS = ("context", "lz4", "lzw", "packed")
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Coder:
    """encode(symbols uint8, bits) -> bytes; decode(data, bits, shape) -> symbols, flat; max_bytes(shape, bits):
    largest output. All raise DataError: symbols out of range, streams that are not well formed, unfit shapes.
    """

    encode: Callable[[np.ndarray, int], bytes]
    decode: Callable[[bytes, int, Shape], np.ndarray]
    max_bytes: Callable[[Shape, int], int]


PLAIN = {
    "lz4": Coder(
        lz4.encode,
        lambda data, bits, shape: lz4.decode(data, bits, prod(shape)),
        lambda shape, bits: lz4.max_bytes(prod(shape), bits),
    ),
    "lzw": Coder(
        lzw.encode,
        lambda data, bits, shape: lzw.decode(data, bits, prod(shape)),
        lambda shape, bits: lzw.max_bytes(prod(shape), bits),
    ),
    "packed": Coder(
        packed.encode,
        lambda data, bits, shape: packed.decode(data, bits, prod(shape)),
        lambda shape, bits: packed.max_bytes(prod(shape), bits),
    ),
}


def coder(name: str, tables: Sequence[int] = ()) -> Coder:
    """tables: integers from `train_tables`, for the context coder alone. Raises UnknownName, DataError."""
    if name not in CODERS:
        raise UnknownName("coder", name, CODERS)
    if name == "context":
        return _context(tuple(tables))
    if tables:
        raise DataError(f"coder {name}", expected="no tables", got=f"{len(tables)} integers")
    return PLAIN[name]


@functools.lru_cache(maxsize=16)
def _context(integers: tuple[int, ...]) -> Coder:
    tables = Tables.read(integers)
    return Coder(
        functools.partial(context.encode, tables),
        functools.partial(context.decode, tables),
        functools.partial(context.max_bytes, tables),
    )
