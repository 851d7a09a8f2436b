"""Bit planes, then LZ4: what SPINN's device does with 8-bit features.

Symbols are taken in blocks of up to 16,384. A block of n symbols of `bits` bits becomes `bits` planes, the lowest bit
first, of ceil(n / 8) bytes: bit j of byte i is that bit of symbol 8 i + j, zero behind the last symbol. High bits of
small values lie together there, and LZ4 finds them as one long match. Each block travels as its length (u16,
little-endian) and the planes in LZ4's block format (lz4_Block_format.md of the LZ4 project), or the planes as they are
where that would not be shorter: then the length is theirs.

The encoder is greedy: one hash table of the last place of four bytes, no search behind it. The server decodes by the
public lz4 package.
"""

from __future__ import annotations

from math import ceil

import numpy as np

from bench.codec import packed
from bench.errors import DataError

BLOCK = 16384  # symbols; their planes and the table fill the device's 28 KB of scratch memory
TABLE_BITS = 12
GOLDEN = 2654435769  # 2^32 over the golden ratio
SHORTEST = 4  # bytes of a match
TAIL, LAST_START = 5, 12  # bytes that end as literals; distance of the last match from the end (both of the format)


def max_bytes(count: int, bits: int) -> int:
    """No stream of `count` symbols is longer: no block compresses."""
    return sum(2 + size for size in _sizes(count, bits))


def encode(symbols: np.ndarray, bits: int) -> bytes:
    """uint8 symbols (any shape, read in C order) -> bytes. Raises DataError for a symbol out of range."""
    packed.check(symbols, bits)
    flat, out = np.ascontiguousarray(symbols, np.uint8).reshape(-1), bytearray()
    for first in range(0, flat.size, BLOCK):
        raw = planes(flat[first : first + BLOCK], bits)
        data = compress(raw)
        data = data if len(data) < len(raw) else raw
        out += len(data).to_bytes(2, "little") + data
    return bytes(out)


def decode(data: bytes, bits: int, count: int) -> np.ndarray:
    """bytes -> exactly `count` symbols, uint8 [count]. Raises DataError for a stream that is not well formed."""
    import lz4.block

    out, at = [np.zeros(0, np.uint8)], 0
    for block, size in enumerate(_sizes(count, bits)):
        length = int.from_bytes(data[at : at + 2], "little")
        body = data[at + 2 : at + 2 + length]
        at += 2 + length
        if at > len(data) or length > size:
            raise DataError("LZ4 stream", expected=f"{count} symbols", got=f"{len(data)} bytes, too few or damaged")
        if length < size:
            try:
                body = lz4.block.decompress(body, uncompressed_size=size)
            except (lz4.block.LZ4BlockError, ValueError, MemoryError) as error:
                raise DataError(f"LZ4 stream: damaged block ({error})") from None
        if len(body) != size:
            raise DataError("LZ4 stream: block", expected=f"{size} bytes", got=len(body))
        out.append(_symbols(body, bits, min(BLOCK, count - block * BLOCK)))
    if at != len(data):
        raise DataError("LZ4 stream", expected=f"{at} bytes for {count} symbols", got=len(data))
    return np.concatenate(out)


def planes(symbols: np.ndarray, bits: int) -> bytes:
    """The bit planes of up to BLOCK symbols."""
    spread = np.unpackbits(symbols.reshape(-1, 1), axis=1, count=bits, bitorder="little")
    return np.packbits(spread, axis=0, bitorder="little").T.tobytes()


def compress(data: bytes) -> bytes:
    """At most 64 KB in LZ4's block format."""
    table, out = [0] * (1 << TABLE_BITS), bytearray()
    done = at = 0
    while at + LAST_START <= len(data):
        word = data[at : at + SHORTEST]
        slot = (int.from_bytes(word, "little") * GOLDEN & 0xFFFFFFFF) >> 32 - TABLE_BITS
        candidate, table[slot] = table[slot], at
        if candidate == at or data[candidate : candidate + SHORTEST] != word:
            at += 1
            continue
        length = SHORTEST
        while at + length < len(data) - TAIL and data[candidate + length] == data[at + length]:
            length += 1
        out += _sequence(data[done:at], at - candidate, length)
        at = done = at + length
    return bytes(out + _sequence(data[done:]))


def _sequence(literals: bytes, offset: int = 0, length: int = SHORTEST) -> bytes:
    """Literals, then a match of `length` bytes from `offset` back; offset 0: the last sequence, without a match."""
    more = length - SHORTEST
    out = bytes([min(len(literals), 15) << 4 | min(more, 15)]) + _rest(len(literals)) + literals
    return out + offset.to_bytes(2, "little") + _rest(more) if offset else out


def _rest(length: int) -> bytes:
    """What of a length does not fit into the token's four bits."""
    return b"\xff" * ((length - 15) // 255) + bytes([(length - 15) % 255]) if length >= 15 else b""


def _sizes(count: int, bits: int) -> list[int]:
    """Bytes of the planes of each block."""
    return [bits * ceil(min(BLOCK, count - first) / 8) for first in range(0, count, BLOCK)]


def _symbols(raw: bytes, bits: int, count: int) -> np.ndarray:
    """The reverse of `planes`."""
    spread = np.unpackbits(np.frombuffer(raw, np.uint8).reshape(bits, -1).T, axis=0, count=count, bitorder="little")
    return np.packbits(spread, axis=1, bitorder="little")[:, 0]
