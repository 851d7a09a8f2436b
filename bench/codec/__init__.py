"""Coders by name. Each has a C twin in bench/firmware/stages that writes the same bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bench.codec import lzw
from bench.errors import UnknownName


@dataclass(frozen=True)
class Coder:
    """encode(symbols uint8, bits) -> bytes; decode(data, bits, count) -> symbols; max_bytes(count, bits): largest
    output.
    """

    encode: Callable[[np.ndarray, int], bytes]
    decode: Callable[[bytes, int, int], np.ndarray]
    max_bytes: Callable[[int, int], int]


CODERS = {"lzw": Coder(lzw.encode, lzw.decode, lzw.max_bytes)}


def coder(name: str) -> Coder:
    """Raises UnknownName."""
    if name not in CODERS:
        raise UnknownName("coder", name, CODERS)
    return CODERS[name]
