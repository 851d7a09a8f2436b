"""LZW for symbols of 1 to 8 bits (Welch 1984, as in Nelson 1989): the device's coder, and the server's decoder.

Codes below 2^bits stand for single symbols. Every code that is sent defines the next one: its phrase and the symbol
that follows. A code is bits+1 wide at first and grows to 12 as the dictionary fills; codes are packed from the lowest
bit of each byte up, and the last byte is filled with zeros. No end mark: the receiver knows how many symbols to
expect.

A full dictionary (4,096 codes) is emptied and built anew rather than frozen. Mean bytes, reset against frozen: 60
CIFAR-10 test frames (96x96x3, 27,648 bytes) 25,823 against 31,394; 20 Tiny-ImageNet frames (128x128x3, 49,152 bytes)
50,543 against 60,252; 3-bit features of the latter under random weights (64x64x19) 10,616 against 11,016. Features of
CIFAR frames (32x32x19, about 2,600 bytes) never fill it. Codes of up to 16 bits would need 320 KB on the device and
give 26,500 bytes for the CIFAR-10 frames.

The width of a code depends only on its index, so both twins agree on it without side information.
"""

from __future__ import annotations

import numpy as np

from bench.errors import DataError

MAX_WIDTH = 12
FULL = 1 << MAX_WIDTH


def widths(codes: int, bits: int) -> np.ndarray:
    """Width in bits of each of the first `codes` codes: int64 [codes].

    Code i after a reset can be any of 2^bits + i values; FULL - 2^bits + 1 codes are sent between resets.
    """
    epoch = FULL - (1 << bits) + 1
    largest = (1 << bits) + np.arange(min(codes, epoch)) - 1
    width = np.frexp(np.maximum(largest, 1 << bits))[1].astype(np.int64)
    return np.resize(width, codes) if codes else width


def max_bytes(count: int, bits: int) -> int:
    """No stream of `count` symbols is longer: every code stands for at least one symbol."""
    return (int(widths(count, bits).sum()) + 7) // 8


def check_bits(bits: int) -> None:
    if not 1 <= bits <= 8:
        raise DataError("LZW alphabet", expected="1 to 8 bits per symbol", got=bits)


def encode(symbols: np.ndarray, bits: int) -> bytes:
    """uint8 symbols (any shape, read in C order, all below 2^bits) -> bytes. Raises DataError for a symbol out of
    range.
    """
    check_bits(bits)
    if symbols.size == 0:
        return b""
    largest = int(symbols.max())
    if largest >> bits:
        raise DataError("LZW symbols", expected=f"values below {1 << bits}", got=largest)
    stream = iter(symbols.astype(np.uint8).tobytes())
    known: dict[int, int] = {}
    free, codes = 1 << bits, []
    phrase = next(stream)
    for symbol in stream:
        key = phrase << 8 | symbol
        code = known.get(key)
        if code is not None:
            phrase = code
            continue
        codes.append(phrase)
        phrase = symbol
        if free < FULL:
            known[key] = free
            free += 1
        else:
            known.clear()
            free = 1 << bits
    codes.append(phrase)
    return pack(np.array(codes, dtype=np.int64), bits)


def pack(codes: np.ndarray, bits: int) -> bytes:
    width = widths(len(codes), bits)
    places = np.arange(MAX_WIDTH)
    table = (codes[:, None] >> places & 1).astype(np.uint8)
    return np.packbits(table[places < width[:, None]], bitorder="little").tobytes()


def unpack(data: bytes, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Every whole code that `data` has room for, and where each one ends, in bits."""
    total = len(data) * 8
    width = widths(total // (bits + 1), bits)
    ends = np.cumsum(width)
    codes = int(np.searchsorted(ends, total, side="right"))
    start, padded = ends[:codes] - width[:codes], np.frombuffer(data + bytes(2), np.uint8).astype(np.int64)
    first = start >> 3  # a code lies in at most three bytes
    window = padded[first] | padded[first + 1] << 8 | padded[first + 2] << 16
    return window >> (start & 7) & ((1 << width[:codes]) - 1), ends[:codes]


def decode(data: bytes, bits: int, count: int) -> np.ndarray:
    """bytes -> exactly `count` symbols, uint8 [count]. Raises DataError for a stream that is not well formed:
    a code out of range, too few symbols or too many, bytes after the end, padding that is not zero.

    No loop over codes: the phrase of a code is what the earlier code that defined it wrote, and one symbol more, at
    that place in the output. So every symbol of the output is a copy of an earlier one, and chains of copies are halved
    until each ends at a code that stands for a single symbol.
    """
    check_bits(bits)
    if len(data) > max_bytes(count, bits):
        most = f"at most {max_bytes(count, bits)} bytes for {count} symbols"
        raise DataError("LZW stream", expected=most, got=len(data))
    codes, ends = unpack(data, bits)
    single = 1 << bits
    place = np.arange(len(codes)) % (FULL - single + 1)  # of a code since the last reset; that many phrases are known
    wrong = np.flatnonzero(codes >= single + place)
    sound = int(wrong[0]) if wrong.size else len(codes)
    at = np.arange(sound)
    phrase = codes[:sound] >= single
    origin = np.where(phrase, at - place[:sound] + codes[:sound] - single, at)
    lengths = _hops(origin) + 1
    filled = np.cumsum(lengths)
    used = int(np.searchsorted(filled, count)) + 1 if count else 0
    if used > sound:
        if wrong.size:
            raise DataError("LZW stream", expected=f"a code below {single + place[sound]}", got=int(codes[sound]))
        raise DataError("LZW stream", expected=f"{count} symbols", got=int(filled[-1]) if sound else 0)
    if used and filled[used - 1] != count:
        raise DataError("LZW stream", expected=f"{count} symbols", got=int(filled[used - 1]))
    end = int(ends[used - 1]) if used else 0
    if len(data) != (end + 7) // 8:
        raise DataError("LZW stream", expected=f"{(end + 7) // 8} bytes for {count} symbols", got=len(data))
    if end % 8 and data[-1] >> end % 8:
        raise DataError("LZW stream", expected="zeros after the last code", got=f"last byte {data[-1]:#04x}")
    starts = (filled - lengths)[:used]
    code_of = np.repeat(at[:used], lengths[:used])
    source = np.arange(count) + (starts[origin[:used]] - starts)[code_of]
    return codes[:used][code_of][_roots(source)].astype(np.uint8)


def _hops(parent: np.ndarray) -> np.ndarray:
    """How many steps lead from each element to the root of its chain; a root is its own parent."""
    hops = (parent != np.arange(len(parent))).astype(np.int64)
    while True:
        further = parent[parent]
        if np.array_equal(further, parent):
            return hops
        hops += hops[parent]
        parent = further


def _roots(parent: np.ndarray) -> np.ndarray:
    """The root of each element's chain."""
    while True:
        further = parent[parent]
        if np.array_equal(further, parent):
            return parent
        parent = further
