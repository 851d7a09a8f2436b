"""The tables of the image coders as C definitions of `tables`; bench/firmware/stages/stage.h says what they hold."""

from __future__ import annotations

from collections.abc import Sequence

from bench.codec import jpeg, lossless
from bench.codec.jpeg_tables import ZIGZAG


def lossless_c(integers: Sequence[int]) -> str:
    """An array of uint32_t."""
    tables = lossless.Tables.read(integers)
    entries = (tables.codes << 4 | tables.sizes).reshape(-1).tolist()
    return f"static const uint32_t tables[] = {{{', '.join(map(str, entries))}}};"


def jpeg_c(integers: Sequence[int]) -> str:
    """An array of one struct jpeg_tables. Grey images have no chrominance: its steps stay zero."""
    steps = ", ".join(f"{{{', '.join(map(step, row, ZIGZAG.tolist()))}}}" for row in jpeg.read(integers).tolist())
    codes = (
        ", ".join(f"{{{', '.join(str(code << 5 | size) for code, size in table)}}}" for table in kind)
        for kind in (jpeg.DC_CODES, jpeg.AC_CODES)
    )
    return f"static const struct jpeg_tables tables[] = {{{{ {{{steps}}}, {', '.join(f'{{{c}}}' for c in codes)} }}}};"


def step(size: int, place: int) -> str:
    """struct jpeg_step of a quantizer's step: coefficients are 8 times theirs, below 2^14.

    n * reciprocal >> 32 is n / (8 size) for every n < 2^16: reciprocal is 2^32 / (8 size), rounded up, so the product
    is less than n too large, and n * 8 size < 2^27 keeps that from reaching the next multiple of 2^32.
    """
    divisor = 8 * size
    return f"{{{-(-(1 << 32) // divisor)}u, {divisor // 2}, {place}}}"
