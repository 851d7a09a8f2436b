"""The tables of the image coders as C definitions of `tables`; bench/firmware/stages/stage.h says what they hold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.codec import jpeg, lossless
from bench.codec.jpeg_tables import ZIGZAG


def lossless_c(integers: Sequence[int]) -> str:
    """An array of uint32_t."""
    return f"static const uint32_t tables[] = {{{', '.join(map(str, lossless_entries(integers)))}}};"


def lossless_entries(integers: Sequence[int]) -> list[int]:
    """code << 4 | size, by group, context and residual."""
    tables = lossless.Tables.read(integers)
    return list((tables.codes << 4 | tables.sizes).reshape(-1).tolist())


def jpeg_c(integers: Sequence[int]) -> str:
    """An array of one struct jpeg_tables."""
    steps, *codes = jpeg_entries(integers)
    rows = (", ".join(f"{{{', '.join(map(str, step))}}}" for step in row) for row in steps.tolist())
    tables = ["{" + ", ".join(f"{{{row}}}" for row in rows) + "}"]
    for kind in codes:
        tables.append("{" + ", ".join(f"{{{', '.join(map(str, row))}}}" for row in kind.tolist()) + "}")
    return f"static const struct jpeg_tables tables[] = {{{{{', '.join(tables)}}}}};"


def jpeg_entries(integers: Sequence[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """steps [2, 64, 3], DC codes [2, 12], AC codes [2, 256]: code << 5 | size. Without colours the second steps are 0.

    A step is (reciprocal, half, place): a coefficient of the C code is 8 times its own, below 2^14 in size, and
    n * reciprocal >> 32 is n / (8 step) for every n < 2^16. For reciprocal is 2^32 / (8 step), rounded up, so the
    product is less than n too large, and n * 8 step < 2^27 keeps that from reaching the next multiple of 2^32.
    """
    divisors = 8 * jpeg.read(integers)
    steps = np.zeros((2, 64, 3), np.int64)
    steps[: len(divisors)] = np.stack(
        [-(-(1 << 32) // divisors), divisors // 2, np.broadcast_to(ZIGZAG, divisors.shape)], axis=2
    )
    dc, ac = (
        np.array([[code << 5 | size for code, size in table] for table in kind])
        for kind in (jpeg.DC_CODES, jpeg.AC_CODES)
    )
    return steps, dc, ac
