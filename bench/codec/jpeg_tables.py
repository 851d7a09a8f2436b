"""The tables of baseline JPEG as ITU-T T.81 (1992) gives them in Annex K, and the header that tells a decoder."""

from __future__ import annotations

import struct

import numpy as np

from bench.codec import bits

ZIGZAG = np.array([8 * v + u for v, u in sorted(
    np.ndindex(8, 8), key=lambda at: (sum(at), at[0] if sum(at) % 2 else at[1])
)])  # fmt: skip
# Tables K.1 and K.2: luminance, chrominance; rows of vertical frequency
USUAL = tuple(
    np.array(text.split(), np.int64)
    for text in (
        "16 11 10 16 24 40 51 61 12 12 14 19 26 58 60 55 14 13 16 24 40 57 69 56 14 17 22 29 51 87 80 62 "
        "18 22 37 56 68 109 103 77 24 35 55 64 81 104 113 92 49 64 78 87 103 121 120 101 72 92 95 98 112 100 103 99",
        "17 18 24 47 99 99 99 99 18 21 26 66 99 99 99 99 24 26 56 99 99 99 99 99 47 66 99 99 99 99 99 99 " + 32 * "99 ",
    )
)
# Tables K.3 to K.6: how many codes there are of 1 to 16 bits, and the symbols in their order
DC = (
    (bytes.fromhex("00010501010101010100000000000000"), bytes(range(12))),
    (bytes.fromhex("00030101010101010101010000000000"), bytes(range(12))),
)
AC = (
    (
        bytes.fromhex("0002010303020403050504040000017d"),
        bytes.fromhex(
            "01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a3435"
            "363738393a434445464748494a535455565758595a636465666768696a737475767778797a838485868788898a92939495969798"
            "999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4"
            "f5f6f7f8f9fa"
        ),
    ),
    (
        bytes.fromhex("00020102040403040705040400010277"),
        bytes.fromhex(
            "000102031104052131061241510761711322328108144291a1b1c109233352f0156272d10a162434e125f11718191a262728292a"
            "35363738393a434445464748494a535455565758595a636465666768696a737475767778797a82838485868788898a9293949596"
            "9798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4"
            "f5f6f7f8f9fa"
        ),
    ),
)


def quantizers(quality: int, channels: int) -> list[int]:
    """64 steps in zigzag order, and 64 for the colours of 3 channels: Annex K's, scaled as libjpeg scales them."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    steps = [np.clip((table * scale + 50) // 100, 1, 255)[ZIGZAG] for table in USUAL[: 1 if channels == 1 else 2]]
    return [int(step) for table in steps for step in table]


def codes(table: tuple[bytes, bytes], symbols: int) -> list[tuple[int, int]]:
    """(code, size) of each symbol below `symbols`; (0, 0) where there is none."""
    counts, order = table
    sizes = [size for size, count in enumerate(counts, 1) for _ in range(count)]
    found = [(0, 0)] * symbols
    for symbol, code, size in zip(order, bits.canonical(sizes), sizes, strict=True):
        found[symbol] = int(code), size
    return found


def header(height: int, width: int, steps: np.ndarray) -> bytes:
    """Everything before the scan. steps: [1 or 2, 64] in zigzag order; two tables: three components, 4:2:0."""

    def segment(marker: int, *parts: bytes) -> bytes:
        content = b"".join(parts)
        return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content

    tables = range(len(steps))
    codings = [(kind << 4 | i, b"".join(part[i])) for kind, part in enumerate((DC, AC)) for i in tables]
    components = [(1, 0x11, 0)] if len(steps) == 1 else [(1, 0x22, 0), (2, 0x11, 1), (3, 0x11, 1)]
    frame = struct.pack(">BHHB", 8, height, width, len(components)) + bytes(v for c in components for v in c)
    scan = bytes([len(components), *(v for name, _, table in components for v in (name, 17 * table)), 0, 63, 0])
    return b"".join([
        b"\xff\xd8",
        segment(0xDB, *(bytes([i, *map(int, steps[i])]) for i in tables)),
        segment(0xC0, frame),
        segment(0xC4, *(bytes([name]) + coding for name, coding in codings)),
        segment(0xDA, scan),
    ])  # fmt: skip
