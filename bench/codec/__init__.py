"""Coders by name. Each has a C twin in bench/firmware/stages that writes the same bytes.

lzw: what the paper uses; packed: every symbol in `bits` bits; context: rANS under static tables (`train_tables`);
lz4: bit planes, then LZ4 (SPINN); lossless, jpeg: for whole images (H, W, 1 or 3) of 8 bits.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from bench.codec import context, jpeg, lossless, lz4, lzw, packed
from bench.codec.tables import Tables, train_tables
from bench.errors import DataError, UnknownName

__all__ = ["CODERS", "Coder", "coder", "train_tables"]
CODERS = ("context", "jpeg", "lossless", "lz4", "lzw", "packed")
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Coder:
    """encode(symbols uint8, bits) -> bytes; decode(data, bits, shape) -> symbols, flat; max_bytes(shape, bits):
    largest output. All raise DataError: symbols out of range, streams that are not well formed, unfit shapes.
    exact: decode gives back what encode took.
    """

    encode: Callable[[np.ndarray, int], bytes]
    decode: Callable[[bytes, int, Shape], np.ndarray]
    max_bytes: Callable[[Shape, int], int]
    exact: bool = True


def _of_counts(module: Any) -> Coder:
    """A coder of symbols in a row: of the shape it takes only how many there are."""
    return Coder(
        module.encode,
        lambda data, bits, shape: module.decode(data, bits, prod(shape)),
        lambda shape, bits: module.max_bytes(prod(shape), bits),
    )


PLAIN = {"lz4": _of_counts(lz4), "lzw": _of_counts(lzw), "packed": _of_counts(packed)}
READERS: dict[str, tuple[Any, Callable[[Sequence[int]], Any]]] = {
    "context": (context, Tables.read),
    "jpeg": (jpeg, jpeg.read),
    "lossless": (lossless, lossless.Tables.read),
}


def coder(name: str, tables: Sequence[int] = ()) -> Coder:
    """tables: integers that the coder's tables are read from, where it has some. Raises UnknownName, DataError."""
    if name not in CODERS:
        raise UnknownName("coder", name, CODERS)
    if name not in PLAIN:
        return _with_tables(name, tuple(tables))
    if tables:
        raise DataError(f"coder {name}", expected="no tables", got=f"{len(tables)} integers")
    return PLAIN[name]


@functools.lru_cache(maxsize=16)
def _with_tables(name: str, integers: tuple[int, ...]) -> Coder:
    module, read = READERS[name]
    tables = read(integers)
    return Coder(
        functools.partial(module.encode, tables),
        functools.partial(module.decode, tables),
        functools.partial(module.max_bytes, tables),
        exact=name != "jpeg",
    )
