"""Integer arithmetic of the compiler: multipliers, roundings, activation ranges and folded records."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.compile.quantization import activation_range, divide_power, multiplier, requantization, scale_twice


@pytest.mark.parametrize(
    ("real", "expected"),
    [
        (0.0, (0, 0)),
        (1.0, (1 << 30, 1)),
        (0.5, (1 << 30, 0)),
        (0.75, (3 << 29, 0)),
        (1 - 2.0**-40, (1 << 30, 1)),  # rounds up to 2**31, which does not fit
        (2.0**-32, (1 << 30, -31)),
        (2.0**-33, (0, 0)),  # too small to matter
        (3.0, (3 << 29, 2)),
    ],
)
def test_multipliers(real, expected):
    assert multiplier(real) == expected


@given(st.floats(1e-9, 1e4))
def test_a_multiplier_is_as_close_as_31_bits_allow(real):
    mult, shift = multiplier(real)
    assert 1 << 30 <= mult < 1 << 31
    assert abs(mult * 2.0 ** (shift - 31) - real) <= real * 2.0**-31


@pytest.mark.parametrize(
    ("x", "right", "expected"), [(5, 1, 3), (-5, 1, -3), (4, 1, 2), (-6, 2, -2), (6, 2, 2), (7, 0, 7)]
)
def test_halves_go_away_from_zero(x, right, expected):
    assert divide_power(x, right) == expected


def test_activation_ranges():
    assert activation_range(0, 0.1, 5) == (-128, 127)
    assert activation_range(1, 0.1, 5) == (5, 127)
    assert activation_range(3, 0.1, 5) == (5, 65)
    assert activation_range(3, 0.01, 5) == (5, 127)
    assert activation_range(4, 0.1, 5) is None


@given(st.integers(-(2**20), 2**20), st.floats(1e-5, 0.49), st.integers(-128, 127))
def test_a_folded_record_equals_both_roundings(total, factor, zero):
    """What the three instructions compute: SMMLAR with `add`, plus the sign, shifted."""
    one = np.array([1])
    q = requantization([factor], np.array([total]), 0 * one, one, 0, zero)
    assert q.folded
    bias, mult, add, shift = (int(v) for v in q.records[0])
    high = add + ((bias * mult + (1 << 31)) >> 32)
    assert (high + (bias >> 31)) >> shift == zero + scale_twice(total, *multiplier(factor))


def test_left_shifts_and_overflows_are_not_folded():
    one = np.array([1])
    assert not requantization([1.5], one, one, one, 0, 0).folded
    assert not requantization([2.0**-25], one, one, one, 0, 0).folded
    assert not requantization([0.1], np.array([2**30]), one, one, 0, 0).folded
