"""Every symbol in `bits` bits, from the lowest bit of each byte up; the last byte is filled with zeros."""

from __future__ import annotations

import numpy as np

from bench.errors import DataError


def max_bytes(count: int, bits: int) -> int:
    """Of `count` symbols: every stream has this length."""
    return (count * bits + 7) // 8


def check(symbols: np.ndarray, bits: int) -> None:
    """Raises DataError unless bits is 1 to 8 and all symbols are below 2^bits."""
    if not 1 <= bits <= 8:
        raise DataError("packed alphabet", expected="1 to 8 bits per symbol", got=bits)
    if symbols.size and (largest := int(symbols.max())) >> bits:
        raise DataError("packed symbols", expected=f"values below {1 << bits}", got=largest)


def encode(symbols: np.ndarray, bits: int) -> bytes:
    """uint8 symbols (any shape, read in C order) -> bytes. Raises DataError for a symbol out of range."""
    check(symbols, bits)
    places = np.unpackbits(symbols.astype(np.uint8).reshape(-1, 1), axis=1, count=bits, bitorder="little")
    return np.packbits(places.reshape(-1), bitorder="little").tobytes()


def decode(data: bytes, bits: int, count: int) -> np.ndarray:
    """bytes -> `count` symbols, uint8 [count]. Raises DataError for another length or padding that is not zero."""
    check(np.zeros(0), bits)
    if len(data) != max_bytes(count, bits):
        raise DataError("packed stream", expected=f"{max_bytes(count, bits)} bytes", got=len(data))
    places = np.unpackbits(np.frombuffer(data, np.uint8), bitorder="little")
    if places[count * bits :].any():
        raise DataError("packed stream", expected="zeros after the last symbol", got=f"last byte {data[-1]:#04x}")
    return np.packbits(places[: count * bits].reshape(count, bits), axis=1, bitorder="little").reshape(count)
