"""LZW and packed symbols: golden bytes, round trips, refusal of damaged streams, and the C twins byte for byte."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.codec import coder, lzw, packed
from bench.errors import DataError, UnknownName

GOLDEN = [
    (2, [0], "00"),
    (2, [0, 0, 0, 0, 0, 0], "6001"),  # 0, 4 (a phrase that this very code defines), 5: three bits each
    (3, [7, 1, 7, 1, 7, 1, 7], "17a8"),
]


@st.composite
def streams(draw):
    """(bits, symbols): noise, runs and repeats, long enough to fill the dictionary now and then."""
    bits = draw(st.integers(1, 8))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    count, levels = draw(st.sampled_from([0, 1, 2, 3, 17, 300, 5000, 20000, 30000])), draw(st.integers(1, 1 << bits))
    symbols = np.repeat(rng.integers(0, levels, count), draw(st.integers(1, 9)))[:count]
    return bits, symbols.astype(np.uint8)


@pytest.mark.parametrize(("bits", "symbols", "expected"), GOLDEN)
def test_golden(bits, symbols, expected):
    assert lzw.encode(np.array(symbols), bits).hex() == expected


def test_golden_text():
    """The textbook example: its 16 codes, packed 9 bits each from the low end."""
    codes = [84, 79, 66, 69, 79, 82, 78, 79, 84, 256, 258, 260, 265, 259, 261, 263]
    expected = sum(code << 9 * i for i, code in enumerate(codes)).to_bytes(18, "little")
    assert lzw.encode(np.frombuffer(b"TOBEORNOTTOBEORTOBEORNOT", np.uint8), 8) == expected


@settings(max_examples=60, deadline=None)
@given(streams())
def test_round_trip_and_twin(twins, stream):
    bits, symbols = stream
    for name in ("lzw", "packed"):
        data, room = coder(name).encode(symbols, bits), coder(name).max_bytes(symbols.shape, bits)
        assert len(data) <= room
        assert np.array_equal(coder(name).decode(data, bits, symbols.shape), symbols)
        assert twins.encode(name, symbols, bits, room) == data


def bushy(bits: int, count: int) -> np.ndarray:
    """A stream that makes phrases as short as can be: the fewest nodes for a full dictionary."""
    levels, stream, at = 1 << bits, [0], 0
    children, sizes, path = [[0] * levels for _ in range(levels)], [0] * levels, [0]
    while len(stream) < count:
        symbol = min(range(levels), key=lambda s: ((sizes[c] + 1 if (c := children[at][s]) else 0), sizes[s]))
        stream.append(symbol)
        if child := children[at][symbol]:
            at = child
            path.append(at)
            continue
        for node in path:
            sizes[node] += 1
        children[at][symbol] = len(children)
        children.append([0] * levels)
        sizes.append(0)
        at, path = symbol, [symbol]
        if len(children) == lzw.FULL + 1:  # that one was not defined any more
            children, sizes = [[0] * levels for _ in range(levels)], [0] * levels
    return np.array(stream, np.uint8)


@pytest.mark.parametrize("bits", [1, 2, 3])
def test_small_alphabets_use_a_tree_until_its_memory_is_full(twins, bits):
    rng, size, results = np.random.default_rng(bits), 24576, []
    noise = rng.integers(0, 1 << bits, size).astype(np.uint8)
    for symbols in (noise * (rng.random(size) < 0.01), noise % 4, noise, bushy(bits, size)):
        data, found = lzw.encode(symbols, bits), twins.tree(symbols, bits)
        assert found in (0, len(data))
        assert twins.encode("lzw", symbols, bits, lzw.max_bytes(size, bits)) == data
        results.append(found > 0)
    assert results[0] and not results[1]
    assert bits < 3 or results[3]  # the dictionary is emptied, and the tree with it


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.integers(1, 8), st.integers(0, 2000))
def test_noise_is_refused_or_has_the_right_length(data, bits, count):
    for name in ("lzw", "packed"):
        try:
            symbols = coder(name).decode(data, bits, (count,))
        except DataError:
            continue
        assert symbols.size == count and (count == 0 or int(symbols.max()) < 1 << bits)


@settings(max_examples=60, deadline=None)
@given(streams().filter(lambda s: s[1].size > 0), st.data())
def test_damage(stream, data):
    bits, symbols = stream
    good = lzw.encode(symbols, bits)
    cut = data.draw(st.integers(0, len(good) - 1))
    for bad, count in ((good[:cut], symbols.size), (good + b"\0", symbols.size), (good, symbols.size + 8)):
        with pytest.raises(DataError):
            lzw.decode(bad, bits, count)
        with pytest.raises(DataError, match="packed stream"):
            packed.decode(bad + bytes(symbols.size + 9), bits, count)


def test_bad_arguments():
    for bits, symbols in ((3, [8]), (0, [0]), (9, [0])):
        for module in (lzw, packed):
            with pytest.raises(DataError):
                module.encode(np.array(symbols, np.uint8), bits)
    assert packed.encode(np.array([5, 2, 7]), 3).hex() == "d501"
    with pytest.raises(DataError, match="zeros after the last symbol"):
        packed.decode(b"\xd5\x03", 3, 3)
    with pytest.raises(DataError, match="coder lzw; expected no tables; got 2 integers"):
        coder("lzw", (1, 2))
    with pytest.raises(DataError, match="expected 9 symbols; got 10"):  # the last phrase is one too long
        lzw.decode(lzw.encode(np.ones(10, np.uint8), 8), 8, 9)
    with pytest.raises(DataError, match="zeros after"):
        lzw.decode(b"\x08", 2, 1)
    with pytest.raises(UnknownName):
        coder("zip")
