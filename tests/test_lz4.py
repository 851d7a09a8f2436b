"""Bit planes and LZ4: the public package reads our blocks, the C twin writes the same bytes, damage is refused."""

from __future__ import annotations

import contextlib

import lz4.block
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.codec import coder
from bench.codec.lz4 import BLOCK, compress, planes
from bench.errors import DataError

LZ4 = coder("lz4")


@st.composite
def streams(draw):
    """(bits, symbols): small values, noise, runs and repeats; lengths around the blocks' and the format's edges."""
    bits = draw(st.integers(1, 8))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.sampled_from([0, 1, 7, 8, 11, 12, 13, 97, 1000, 4096, BLOCK - 1, BLOCK, BLOCK + 1, 40000]))
    levels, run, period = (
        draw(st.integers(1, 1 << bits)),
        draw(st.integers(1, 700)),
        draw(st.sampled_from([5, 64, 10**6])),
    )
    symbols = np.resize(np.repeat(rng.integers(0, levels, count), run)[:period], count)
    return bits, symbols.astype(np.uint8)


@settings(max_examples=80, deadline=None)
@given(streams())
def test_round_trip_and_twin(twins, stream):
    bits, symbols = stream
    data, room = LZ4.encode(symbols, bits), LZ4.max_bytes(symbols.shape, bits)
    assert len(data) <= room
    assert np.array_equal(LZ4.decode(data, bits, symbols.shape), symbols)
    assert twins.encode("lz4", symbols, bits, room) == data


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 3000), st.integers(1, 6))
def test_the_public_package_reads_our_blocks(seed, size, levels):
    data = np.random.default_rng(seed).integers(0, levels, size, np.uint8).tobytes()
    assert lz4.block.decompress(compress(data), uncompressed_size=size) == data


def test_golden():
    """20 equal bytes: one literal, a match of 14 that overlaps itself, the last five as they are."""
    assert compress(b"a" * 20).hex() == "1a610100" + "50" + "61" * 5
    assert compress(b"").hex() == "00"
    assert planes(np.array([5, 2, 7, 0, 0, 0, 0, 0, 1], np.uint8), 3).hex() == "0501" + "0600" + "0500"
    assert LZ4.encode(np.array([5, 2, 7], np.uint8), 3).hex() == "0300" + "050605"  # not shorter: as they are


def test_features_of_few_magnitudes_shrink():
    rng = np.random.default_rng(5)
    symbols = np.abs(rng.normal(0, 6, 4096)).astype(np.uint8)
    assert 4096 * 4 // 8 < len(LZ4.encode(symbols, 8)) < 4096 * 5 // 8 + 100
    assert len(LZ4.encode(rng.integers(0, 256, 4096).astype(np.uint8), 8)) == 4096 + 2


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200), st.integers(1, 8), st.integers(0, 300))
def test_noise_is_refused_or_has_the_right_length(data, bits, count):
    try:
        symbols = LZ4.decode(data, bits, (count,))
    except DataError:
        return
    assert symbols.shape == (count,) and int(symbols.max(initial=0)) < 1 << bits


@settings(max_examples=100, deadline=None)
@given(streams().filter(lambda s: s[1].size > 0), st.data())
def test_damage(stream, data):
    bits, symbols = stream
    good = LZ4.encode(symbols, bits)
    with pytest.raises(DataError):
        LZ4.decode(good[: data.draw(st.integers(0, len(good) - 1))], bits, symbols.shape)
    with pytest.raises(DataError, match="LZ4 stream"):
        LZ4.decode(good + b"\0", bits, symbols.shape)
    place, value = data.draw(st.integers(0, len(good) - 1)), data.draw(st.integers(0, 255))
    changed = good[:place] + bytes([value]) + good[place + 1 :]
    with contextlib.suppress(DataError):
        assert LZ4.decode(changed, bits, symbols.shape).shape == symbols.shape


def test_bad_arguments():
    for bits, symbols in ((3, [8]), (0, [0]), (9, [0])):
        with pytest.raises(DataError):
            LZ4.encode(np.array(symbols, np.uint8), bits)
    with pytest.raises(DataError, match="coder lz4; expected no tables"):
        coder("lz4", (1,))
