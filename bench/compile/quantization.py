"""Integer arithmetic of TensorFlow Lite's int8 reference kernels: multipliers, activation ranges, requantization.

A real factor becomes mult * 2**(shift - 31) with a 31-bit mult. The reference multiplies, rounds to the upper 32 bits
(half up), and then divides by 2**-shift, rounding half away from zero. Fully connected layers alone round once, half up
(found by experiment with ai-edge-litert 2.3.0; tests/test_compile_exact.py holds both).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

INT8_MIN, INT8_MAX = -128, 127
LIMIT = 2**31
MAX_FACTOR = 2**15  # larger ones do not occur in a trained network, and would overflow


def round_away(x: float) -> int:
    """Nearest integer, halves away from zero."""
    return math.floor(x + 0.5) if x >= 0 else math.ceil(x - 0.5)


def multiplier(real: float) -> tuple[int, int]:
    """(mult, shift) with real ~ mult * 2**(shift - 31); shift > 0 is a left shift. Factors below 2**-32 become 0."""
    if real == 0:
        return 0, 0
    fraction, shift = math.frexp(real)
    mult = round_away(fraction * LIMIT)
    if mult == LIMIT:
        mult, shift = mult // 2, shift + 1
    if shift < -31:
        return 0, 0
    return mult, shift


def product(a: int, b: int) -> int:
    """a * b / 2**31, rounded half up."""
    return (a * b + (1 << 30)) >> 31


def divide_power(x: int, right: int) -> int:
    """x / 2**right, rounded half away from zero."""
    half = (1 << right) >> 1
    return (x + half) >> right if x >= 0 else -((-x + half) >> right)


def scale_twice(x: int, mult: int, shift: int) -> int:
    """x * mult * 2**(shift - 31) with the reference's two roundings."""
    return divide_power(product(x << max(shift, 0), mult), max(-shift, 0))


def activation_range(activation: int, scale: float, zero: int) -> tuple[int, int] | None:
    """Clamp (low, high) of a fused activation (schema codes NONE 0, RELU 1, RELU6 3); None for any other."""

    def level(value: float) -> int:
        return zero + round_away(float(np.float32(value) / np.float32(scale)))

    if activation == 0:
        return INT8_MIN, INT8_MAX
    if activation == 1:
        return max(INT8_MIN, level(0.0)), INT8_MAX
    if activation == 3:
        return max(INT8_MIN, level(0.0)), min(INT8_MAX, level(6.0))
    return None


@dataclass(frozen=True)
class Requantization:
    """Per-channel records {bias, mult, add, shift} for the kernels, and how to read them.

    folded: acc holds 2 * (sum of products with raw inputs + bias), `add` is the rounding constant plus the zero point
    moved left by `shift`; SMMLAR, shift and SSAT then equal both roundings. It needs right shifts of 1 or more and no
    overflow.
    Otherwise acc is single, `add` is the zero point and `shift` is the TFLite shift (positive is left).
    """

    records: np.ndarray
    folded: bool
    zero_out: int

    def kind(self, low: int) -> str:
        """The C `enum record` when results below `low` are cut off.

        Rounding halves away from zero or up differs for negative values alone, and both give zero_out at most.
        """
        if not self.folded:
            return "PLAIN"
        return "POSITIVE" if low >= self.zero_out else "FOLDED"


def requantization(
    factors: Sequence[float], bias: np.ndarray, sums: np.ndarray, bound: np.ndarray, zero_in: int, zero_out: int
) -> Requantization:
    """Records for output = clamp(zero_out + round(factor * (bias + sum w * (x - zero_in)))).

    sums: per channel, sum of w. bound: per channel, sum of |w|. The kernels add w * x with raw x; padding is
    x = zero_in.
    """
    pairs = [multiplier(f) for f in factors]
    start = bias.astype(np.int64) - zero_in * sums.astype(np.int64)
    reach = 2 * (np.abs(start) + 256 * bound.astype(np.int64))
    shifts = np.array([-s for _, s in pairs], np.int64)
    mults = np.array([m for m, _ in pairs], np.int64)
    room = (reach // 2 * mults // LIMIT) + (129 << np.clip(shifts, 0, 30))
    folded = bool(np.all((shifts >= 1) & (shifts <= 22) & (reach < LIMIT) & (room < LIMIT)))
    if folded:
        add = (1 << (shifts - 1)) + (zero_out << shifts)
        records = np.stack([2 * start, mults, add, shifts], axis=1)
    else:
        records = np.stack([wrap(start), mults, np.full_like(mults, zero_out), -shifts], axis=1)
    return Requantization(records.astype(np.int32), folded, zero_out)


def wrap(values: np.ndarray) -> np.ndarray:
    """int64 to the int32 with the same low bits, as C's wrapping arithmetic gives."""
    return (values.astype(np.int64) & 0xFFFFFFFF).astype(np.uint32).view(np.int32)
