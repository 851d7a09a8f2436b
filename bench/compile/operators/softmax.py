"""SOFTMAX over the last axis, int8 to int8, as the reference's fixed-point kernel computes it.

exp is needed at 256 places only (differences of int8 values), so it becomes a table; the firmware adds and divides.
Fixed-point steps: gemmlowp's exp for negative values, public/fixedpoint (degree-4 polynomial around -1/8, then one
factor per bit).
"""

from __future__ import annotations

import math

import numpy as np

from bench.compile.kernel import Kernel, Site
from bench.compile.quantization import divide_power, multiplier, product

INTEGER_BITS = 5  # of a rescaled difference; 26 fractional bits
FRACTION_BITS = 31 - INTEGER_BITS
ONE = 2**31 - 1
FACTORS = {p: round(math.exp(-(2.0**p)) * 2**31) for p in range(-2, INTEGER_BITS)}
EXP_EIGHTH = round(math.exp(-0.125) * 2**31)
THIRD = round(2**31 / 3)


def softmax(site: Site) -> Kernel:
    a, b = site.input(), site.output
    site.require(a.shape == b.shape, "output shape", expected=a.shape, got=b.shape)
    site.require(b.step == 1 / 256 and b.offset == -128, "output quantization", expected="scale 1/256, zero point -128",
                 got=f"{b.step} {b.offset}")  # fmt: skip
    real = min(float(site.operator.option("beta")) * a.step * (1 << FRACTION_BITS), 2.0**31 - 1.0)
    site.require(real > 1, "input scale", expected=f"more than {2.0**-FRACTION_BITS:.2g}", got=a.step)
    n = a.shape[-1]
    body = f"softmax(in0, out, exponential, {int(np.prod(a.shape)) // n}, {n});"
    return Kernel(body, {"exponential": exponentials(*multiplier(real))}, inplace=True, size=1500)


def exponentials(mult: int, left: int) -> np.ndarray:
    """(256,) int32: exp(-d * real step) with 31 fractional bits for d = 0 .. 255; 0 beyond the reference's range."""
    reach = math.floor((2**INTEGER_BITS - 1) * 2.0**FRACTION_BITS / 2.0**left)
    values = [exponential(product(-d << left, mult)) if d <= reach else 0 for d in range(256)]
    return np.array(values, np.int32)


def exponential(a: int) -> int:
    """exp(a) for a <= 0 with 26 fractional bits; the result has 31."""
    if a == 0:
        return ONE
    quarter = 1 << (FRACTION_BITS - 2)
    rest = (a & (quarter - 1)) - quarter
    result = _near_zero(rest << INTEGER_BITS)
    whole = rest - a
    for power, factor in FACTORS.items():
        if whole & (1 << (FRACTION_BITS + power)):
            result = product(result, factor)
    return result


def _near_zero(a: int) -> int:
    """exp(a) for a in [-1/4, 0), 31 fractional bits."""
    x = a + (1 << 28)
    x2 = product(x, x)
    x3, x4 = product(x2, x), product(x2, x2)
    series = divide_power(product(divide_power(x4, 2) + x3, THIRD) + x2, 1)
    return EXP_EIGHTH + product(EXP_EIGHTH, x + series)
