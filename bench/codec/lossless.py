"""Lossless coder for small images, uint8 (H, W, 1 or 3): median prediction, then static Huffman codes by context.

An RGB image becomes the planes G, R - G and B - G. A pixel is predicted from its neighbours a (left), b (above) and
c (above left) as the median of a, b and a + b - c (LOCO-I: Weinberger, Seroussi and Sapiro 2000, Sec III-A); what is
left, modulo 256, has the code of its context: the length in bits of |a - c| + |b - c|, 7 at most, with tables for the
first plane and for the differences. In the first row b and c are as a; left of the first column, a and c are as b.

The codes are trained (`train`), not adapted: an image of 32x32 pixels ends before an adaptive coder has learned
much. Each row of an RGB image begins with one bit: 1 where R = G = B throughout, and its differences are not sent.
Bits are packed from the highest of each byte down. A stream of more than H x W x C - SPARE bytes is sent packed
instead, a byte per value; its length tells.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from bench import native
from bench.codec import bits
from bench.codec.bits import SPARE
from bench.errors import DataError

CONTEXTS = 8
LONGEST = 15  # bits of a code
DECODER = Path(__file__).with_name("lossless.c")


@dataclass(frozen=True)
class Tables:
    """sizes, codes [groups, CONTEXTS, 256]: of each residual; groups: the first plane, then the differences.

    ordered: uint8, the residuals in the order of their codes; lengths: uint16, how many codes there are of each size.
    """

    sizes: np.ndarray
    codes: np.ndarray
    ordered: np.ndarray
    lengths: np.ndarray

    @classmethod
    def read(cls, integers: Sequence[int]) -> Tables:
        """Raises DataError unless they are code sizes of complete prefix codes: a decoder can trust them."""
        groups, rest = divmod(len(integers), CONTEXTS * 256)
        if rest or groups not in (1, 2) or not all(type(v) is int and 1 <= v <= LONGEST for v in integers):
            expected = f"1 or 2 groups of {CONTEXTS} x 256 code sizes from 1 to {LONGEST}"
            raise DataError("lossless tables", expected=expected, got=f"{len(integers)} integers")
        sizes = np.array(integers, np.int64).reshape(groups, CONTEXTS, 256)
        if ((1 << LONGEST >> sizes).sum(axis=2) != 1 << LONGEST).any():
            raise DataError("lossless tables", expected="code sizes of complete prefix codes")
        rows = sizes.reshape(-1, 256)
        codes = np.stack([bits.canonical(row) for row in rows]).reshape(sizes.shape)
        lengths = np.stack([np.bincount(row, minlength=LONGEST + 1) for row in rows]).astype(np.uint16)
        return cls(sizes, codes, np.argsort(rows, axis=1, kind="stable").astype(np.uint8), lengths)


def check(tables: Tables, depth: int, shape: tuple[int, ...]) -> None:
    """Raises DataError unless this is an image that the tables were made for."""
    groups = len(tables.sizes)
    if depth != 8 or len(shape) != 3 or shape[2] != 2 * groups - 1 or not prod(shape):
        expected = f"8 bits, (height, width, {2 * groups - 1}) as its tables"
        raise DataError("lossless coder", expected=expected, got=f"{depth} bits, shape {shape}")


def max_bytes(tables: Tables, shape: tuple[int, ...], depth: int) -> int:
    check(tables, depth, shape)
    return prod(shape)


def residuals(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """uint8 (N, H, W, C) -> residuals modulo 256 and contexts, both int64 (N, H, W, C), planes in order of coding."""
    planes = images.astype(np.int64)
    if images.shape[3] == 3:
        red, green, blue = np.moveaxis(planes, 3, 0)
        planes = np.stack([green, red - green, blue - green], axis=3)
    b, a = np.zeros_like(planes), np.zeros_like(planes)
    b[:, 1:], a[:, :, 1:] = planes[:, :-1], planes[:, :, :-1]
    a[:, :, 0] = b[:, :, 0]
    c = np.concatenate([b[:, :, :1], b[:, :, :-1]], axis=2)
    b[:, 0] = c[:, 0] = a[:, 0]
    predicted = np.clip(a + b - c, np.minimum(a, b), np.maximum(a, b))
    activity = np.frexp(abs(a - c) + abs(b - c))[1]  # its length in bits
    return planes - predicted & 255, np.minimum(activity, CONTEXTS - 1).astype(np.int64)


def grey_rows(images: np.ndarray) -> np.ndarray:
    """uint8 (..., H, W, C) -> bool (..., H): whether a row needs no differences."""
    return np.asarray((images == images[..., :1]).all(axis=(-2, -1)))


def train(images: np.ndarray) -> list[int]:
    """uint8 images (N, H, W, 1 or 3) -> integers for a deployment: the code sizes of `Tables`."""
    if images.ndim != 4 or images.shape[3] not in (1, 3) or not images.size:
        raise DataError("images to train lossless tables with", expected="(N, H, W, 1 or 3)", got=images.shape)
    residual, context = residuals(images)
    coloured = ~grey_rows(images)
    counts = np.zeros((1 if images.shape[3] == 1 else 2, CONTEXTS, 256))
    np.add.at(counts[0], (context[..., 0], residual[..., 0]), 1)
    if images.shape[3] == 3:
        np.add.at(counts[1], (context[coloured][..., 1:], residual[coloured][..., 1:]), 1)
    usual = counts.sum(axis=1, keepdims=True) + 1.0  # what a residual that a context has not seen is like
    smooth = counts + usual / usual.sum(axis=2, keepdims=True)
    return [size for row in smooth.reshape(-1, 256) for size in bits.huffman(row, LONGEST)]


def encode(tables: Tables, image: np.ndarray, depth: int) -> bytes:
    """uint8 (H, W, C) -> bytes. Raises DataError for another shape."""
    check(tables, depth, image.shape)
    residual, context = (values[0] for values in residuals(image[None]))
    group = np.minimum(np.arange(image.shape[2]), 1)
    codes, sizes = tables.codes[group, context, residual], tables.sizes[group, context, residual]
    if image.shape[2] == 3:
        grey = grey_rows(image)
        sizes[grey, :, 1:] = 0  # such codes are left out
        flags = grey.astype(np.int64)[:, None]
        codes = np.concatenate([flags, codes.reshape(len(image), -1)], axis=1)
        sizes = np.concatenate([np.ones_like(flags), sizes.reshape(len(image), -1)], axis=1)
    data = bits.pack(codes.reshape(-1), sizes.reshape(-1))
    return data if len(data) <= image.size - SPARE else image.tobytes()


def decode(tables: Tables, data: bytes, depth: int, shape: tuple[int, ...]) -> np.ndarray:
    """bytes -> uint8 [H * W * C]. Raises DataError for a stream that is not well formed."""
    check(tables, depth, shape)
    count = prod(shape)
    if len(data) == count:
        return np.frombuffer(data, np.uint8).copy()
    if len(data) > count - SPARE:
        raise DataError("lossless stream", expected=f"{count} bytes, or at most {count - SPARE}", got=len(data))
    image = np.empty(count, np.uint8)
    arrays = (np.frombuffer(data, np.uint8), tables.ordered, tables.lengths, image)
    pointers = (ctypes.c_void_p(array.ctypes.data) for array in arrays)
    if not native.library(DECODER).lossless_decode(*pointers, len(data), *shape):
        raise DataError("lossless stream", expected=f"{count} values and no more", got=f"{len(data)} damaged bytes")
    return image
