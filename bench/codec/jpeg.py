"""Baseline JPEG (ITU-T T.81) for uint8 images (H, W, 1 or 3): 8x8 DCT, Annex K's Huffman codes, colours at half size.

What is sent is the scan alone: both ends know the header, which is longer than the scan of a small image. `file` puts
them together, and Pillow decodes. All steps are exact in integers, so that the device's C writes the same bytes. A scan
of more than H x W x C - SPARE bytes is not sent; the values are, packed, a byte each; the length tells.

A scan carries no check of its own: a decoder makes an image of nearly any bytes. The message has a CRC (bench/wire.py).
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from math import prod

import numpy as np

from bench.codec import bits
from bench.codec.bits import SPARE
from bench.codec.jpeg_tables import AC, DC, ZIGZAG, codes, header
from bench.errors import DataError

SHIFT, KEPT = 13, 2  # fraction bits of the cosines; of what is between the two passes of a DCT
AT = np.arange(8)
# row u: sqrt(8) times the orthonormal DCT's cosines of frequency u
ANGLES = np.outer(AT, 2 * AT + 1) * np.pi / 16
TRANSFORM = np.rint(np.cos(ANGLES) * np.where(AT, np.sqrt(2), 1)[:, None] * (1 << SHIFT)).astype(np.int64)
COLOURS = np.array([(19595, 38470, 7471), (-11059, -21709, 32768), (32768, -27439, -5329)])  # BT.601, in 65536ths
DC_CODES, AC_CODES = [codes(table, 12) for table in DC], [codes(table, 256) for table in AC]
END, ZEROS = 0x00, 0xF0  # of a block; 16 zeros
LARGEST = 1 << 16  # pixels along a side, as the header counts them


def read(integers: Sequence[int]) -> np.ndarray:
    """Steps of the quantizer [1 or 2, 64] in zigzag order. Raises DataError unless they are sound."""
    if len(integers) not in (64, 128) or not all(type(v) is int and 1 <= v <= 255 for v in integers):
        got = f"{len(integers)} integers, {list(integers[:3])} ..."
        raise DataError("JPEG tables", expected="64 or 128 steps from 1 to 255", got=got)
    return np.array(integers, np.int64).reshape(-1, 64)


def check(steps: np.ndarray, depth: int, shape: tuple[int, ...]) -> None:
    """Raises DataError unless this is an image that the steps were made for."""
    channels = 2 * len(steps) - 1
    if depth != 8 or len(shape) != 3 or shape[2] != channels or not 0 < min(shape) <= max(shape) < LARGEST:
        expected = f"8 bits, (height, width, {channels}) as its tables"
        raise DataError("JPEG coder", expected=expected, got=f"{depth} bits, shape {shape}")


def max_bytes(steps: np.ndarray, shape: tuple[int, ...], depth: int) -> int:
    check(steps, depth, shape)
    return prod(shape)


def encode(steps: np.ndarray, image: np.ndarray, depth: int) -> bytes:
    """uint8 (H, W, C) -> a scan, or the values themselves. Raises DataError for another shape."""
    check(steps, depth, image.shape)
    codes, sizes = np.array(list(scan(levels(steps, image)))).T
    data = bits.pack(codes, sizes, fill=1).replace(b"\xff", b"\xff\0")
    return data if len(data) <= image.size - SPARE else image.tobytes()


def levels(steps: np.ndarray, image: np.ndarray) -> np.ndarray:
    """uint8 (H, W, C) -> quantized coefficients [units, blocks, 64], zigzag.

    A unit has one block, or four of luminance and one of each colour; the image's last row and column fill it.
    """
    side = 8 if image.shape[2] == 1 else 16
    height, width = (-(-n // side) for n in image.shape[:2])
    padded = np.pad(image.astype(np.int64), [(0, -n % side) for n in image.shape[:2]] + [(0, 0)], mode="edge")
    if image.shape[2] == 1:
        blocks = padded.reshape(height, 8, width, 1, 8).transpose(0, 2, 3, 1, 4) - 128
    else:
        luma = (padded @ COLOURS[0] + (1 << 15) >> 16) - 128
        quads = padded.reshape(height * 8, 2, width * 8, 2, 3).sum(axis=(1, 3))
        chroma = quads @ COLOURS[1:].T + (1 << 17) - 1 >> 18  # the - 1 keeps 128 out
        units = luma.reshape(height, 2, 8, width, 2, 8).transpose(0, 3, 1, 4, 2, 5).reshape(height, width, 4, 8, 8)
        blocks = np.concatenate([units, chroma.reshape(height, 8, width, 8, 2).transpose(0, 2, 4, 1, 3)], axis=2)
    rows = blocks @ TRANSFORM.T + (1 << SHIFT - KEPT - 1) >> SHIFT - KEPT
    both = TRANSFORM @ rows + (1 << SHIFT + KEPT - 1) >> SHIFT + KEPT  # 8 times the orthonormal coefficients
    found = both.reshape(height * width, -1, 64)[..., ZIGZAG]
    step = 8 * steps[_tables(found.shape[1])]
    return np.sign(found) * ((abs(found) + step // 2) // step)


def _tables(blocks: int) -> list[int]:
    """Which tables the blocks of a unit have."""
    return [0] if blocks == 1 else [0, 0, 0, 0, 1, 1]


def scan(found: np.ndarray) -> Iterator[tuple[int, int]]:
    """The (code, size) pairs of an image's levels [units, blocks, 64]."""
    tables = _tables(found.shape[1])
    components = [max(0, i - 3) for i in range(len(tables))]
    last = [0, 0, 0]
    for unit in found.tolist():
        for block, table, component in zip(unit, tables, components, strict=True):
            change, last[component] = block[0] - last[component], block[0]
            size = abs(change).bit_length()
            yield _with(DC_CODES[table][size], change, size)
            zeros = 0
            for level in block[1:]:
                if level == 0:
                    zeros += 1
                    continue
                yield from [AC_CODES[table][ZEROS]] * (zeros >> 4)
                size = abs(level).bit_length()
                yield _with(AC_CODES[table][zeros % 16 << 4 | size], level, size)
                zeros = 0
            if zeros:
                yield AC_CODES[table][END]


def _with(prefix: tuple[int, int], value: int, size: int) -> tuple[int, int]:
    """A code and the bits that tell the value among those of its size (T.81, F.1.2.1)."""
    code, length = prefix
    return code << size | value + (value < 0) * ((1 << size) - 1), length + size


def file(steps: np.ndarray, data: bytes, shape: tuple[int, ...]) -> bytes:
    """A whole JPEG file of a scan: any reader's."""
    return header(shape[0], shape[1], steps) + data + b"\xff\xd9"


def decode(steps: np.ndarray, data: bytes, depth: int, shape: tuple[int, ...]) -> np.ndarray:
    """bytes -> uint8 [H * W * C], near the image. Raises DataError for a stream that Pillow cannot read."""
    from PIL import Image

    check(steps, depth, shape)
    count = prod(shape)
    if len(data) == count:
        return np.frombuffer(data, np.uint8).copy()
    if not data or len(data) > count - SPARE or b"\xff" in data.replace(b"\xff\0", b""):
        raise DataError("JPEG scan", expected=f"up to {count - SPARE} bytes without a marker", got=f"{len(data)} bytes")
    try:
        with Image.open(io.BytesIO(file(steps, data, shape)), formats=["JPEG"]) as image:
            pixels = np.asarray(image)
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(f"JPEG scan of {len(data)} bytes: {error}") from None
    return pixels.reshape(-1)
