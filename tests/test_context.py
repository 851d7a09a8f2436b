"""The context coder: golden bytes, an independent decoder, round trips of every shape, damage, and the C twin."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.codec import coder, packed, train_tables
from bench.codec.context import events
from bench.codec.tables import BLOCK, TOTAL, Tables
from bench.compile.code_stage import event as fields
from bench.errors import DataError


def smooth(shape: tuple[int, ...], levels: int, seed: int) -> np.ndarray:
    """(N, H, W, C) maps that are mostly zero, with neighbours alike, as ReLU features are."""
    values = np.random.default_rng(seed).normal(-0.2, 1, shape)
    for axis in (1, 2):
        values = values + np.roll(values, 1, axis)
    return np.clip(np.floor(values), 0, levels - 1).astype(np.uint8)


def planes(symbols: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.moveaxis(symbols, -1, 0))


TRAINED = {
    (levels, c): train_tables(smooth((6, 9, 9, c), levels, 5), levels) for levels in (2, 4, 8, 16) for c in (1, 3)
}
BY_HAND = [1, 1, 2, 3072, 1024, 1, 4095, 2048, 0, 1, 1, 1, 0, 1]  # 1 bit, 1 channel, 2 rows


@pytest.mark.parametrize(
    ("map_", "expected"),
    [
        # 12 blocks that are all zero, a bit each: x = 2^15 * 2^12
        (np.zeros((1, 12, 4)), "00000008"),
        # "not all zero", a one at 1024 of 4096, then 63 at 4095 of 4096
        (np.ones((1, 1, 64)), "371e0400"),
        (np.ones((1, 1, 3)), "07"),  # packed: shorter
    ],
)
def test_golden(twins, map_, expected):
    symbols = map_.astype(np.uint8)
    data = coder("context", BY_HAND).encode(symbols, 1)
    assert data.hex() == expected
    assert twins.encode("context", symbols, 1, packed.max_bytes(symbols.size, 1), BY_HAND) == data
    assert np.array_equal(coder("context", BY_HAND).decode(data, 1, symbols.shape), symbols.reshape(-1))


def slow_decode(tables: Tables, data: bytes, shape: tuple[int, int, int]) -> np.ndarray:
    """Written from the description alone, symbol by symbol."""
    out, ends, levels = np.zeros(shape, np.uint8), np.cumsum(tables.rows, axis=1), 1 << tables.bits
    x, words = int.from_bytes(data[-4:], "little"), list(np.frombuffer(data[:-4], "<u2"))

    def event(limits: list[int]) -> int:
        nonlocal x
        found = next(i for i, limit in enumerate(limits) if x % TOTAL < limit)
        start = limits[found - 1] if found else 0
        x = (limits[found] - start) * (x // TOTAL) + x % TOTAL - start
        if x < 1 << 15:
            x = x << 16 | int(words.pop())
        return found

    for c, y in np.ndindex(shape[:2]):
        place = 0
        while place < shape[2]:
            block = BLOCK if place + BLOCK <= shape[2] else 1
            above = out[c, y - 1] if y else np.zeros(shape[2], np.uint8)
            left = out[c, y, place - 1] if place else 0
            quiet = block == BLOCK and not left and not above[place : place + BLOCK].any()
            if quiet and event([int(tables.quiet[c]), TOTAL]) == 0:
                place += BLOCK
                continue
            for at in range(place, place + block):
                left = int(out[c, y, at - 1]) if at else 0
                column = levels * levels + left if quiet else int(above[at]) * levels + left
                out[c, y, at] = event([int(end) for end in ends[tables.context[c, column]]])
            place += block
    assert x == 1 << 15 and not words
    return out


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([*TRAINED]), st.integers(1, 13), st.integers(1, 13), st.integers(0, 2**32 - 1), st.data())
def test_round_trip_and_twin(twins, kind, height, width, seed, data):
    levels, channels = kind
    tables, bits = TRAINED[kind], (levels - 1).bit_length()
    rng = np.random.default_rng(seed)
    symbols = {
        "like trained": planes(smooth((1, height, width, channels), levels, seed)[0]),
        "noise": rng.integers(0, levels, (channels, height, width), np.uint8),
        "constant": np.full((channels, height, width), rng.integers(0, levels), np.uint8),
        "sparse": (rng.random((channels, height, width)) < 0.05).astype(np.uint8) * (levels - 1),
    }[data.draw(st.sampled_from(["like trained", "noise", "constant", "sparse"]))]
    context = coder("context", tables)
    coded = context.encode(symbols, bits)
    room = context.max_bytes(symbols.shape, bits)
    assert len(coded) <= room == packed.max_bytes(symbols.size, bits)
    assert np.array_equal(context.decode(coded, bits, symbols.shape), symbols.reshape(-1))
    assert twins.encode("context", symbols, bits, room, tables) == coded
    if len(coded) < room:
        assert np.array_equal(slow_decode(Tables.read(tables), coded, symbols.shape), symbols)


def test_unlikely_symbols_are_sent_packed(twins):
    """Every symbol at the floor of its row would take 12 bits; the stream gives up and stays at 3."""
    tables = train_tables(np.zeros((4, 32, 32, 2), np.uint8), 8)
    symbols = np.random.default_rng(1).integers(1, 8, (2, 32, 32), np.uint8)
    data = coder("context", tables).encode(symbols, 3)
    assert data == packed.encode(symbols, 3) == twins.encode("context", symbols, 3, 768, tables)
    assert np.array_equal(coder("context", tables).decode(data, 3, symbols.shape), symbols.reshape(-1))


def test_every_frequency_divides_exactly():
    """The device's reciprocal against division, at the ends of quotients and at random."""
    rng = np.random.default_rng(2)
    for size in range(1, TOTAL):
        limit, reciprocal, bias, others, shift = fields(7, size)
        assert limit == size << 19 and reciprocal < 1 << 32
        ends = np.append(rng.integers(1, limit // size + 1, 60), [limit // size, 1]) * size
        x = np.concatenate([ends - 1, ends[ends < limit], rng.integers(8, limit, 60)]).astype(np.uint64)
        x = x[x >= 8]  # after a word has left, x is 2^15 / 2^12 or more
        wanted = x // size * TOTAL + x % size + 7
        assert np.array_equal(x + bias + (x * np.uint64(reciprocal) >> 32 >> shift) * others, wanted), size


def test_size_and_entropy():
    """On maps as it was trained for: within 5 % (and a state) of the static model's entropy, well below LZW."""
    tables = train_tables(smooth((60, 16, 16, 6), 8, 1), 8)
    symbols = planes(smooth((1, 16, 16, 6), 8, 2)[0])
    data = coder("context", tables).encode(symbols, 3)
    entropy = -np.log2(np.array(events(Tables.read(tables), symbols)[1]) / TOTAL).sum() / 8
    assert entropy < len(data) <= 1.05 * entropy + 4
    assert len(data) < 0.75 * len(coder("lzw").encode(symbols, 3))


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=80), st.integers(1, 9), st.integers(1, 9))
def test_noise_is_refused_or_in_range(data, height, width):
    shape = (3, height, width)
    try:
        symbols = coder("context", TRAINED[8, 3]).decode(data, 3, shape)
    except DataError:
        return
    assert symbols.shape == (3 * height * width,) and symbols.max() < 8


def test_damage():
    """A cut stream is always refused, and in time; of streams with a flipped bit nearly all are."""
    tables = train_tables(smooth((8, 32, 32, 3), 8, 3), 8)
    symbols = planes(smooth((1, 32, 32, 3), 8, 4)[0])
    context = coder("context", tables)
    good, seen = context.encode(symbols, 3), 0
    for cut in range(len(good)):
        for bad in (good[:cut], good[cut + 1 :]):
            with pytest.raises(DataError):
                context.decode(bad, 3, symbols.shape)
    for bit in range(len(good) * 8):
        bad = bytearray(good)
        bad[bit // 8] ^= 1 << bit % 8
        try:
            context.decode(bytes(bad), 3, symbols.shape)
        except DataError:
            seen += 1
    assert seen >= 0.99 * len(good) * 8
    start = time.perf_counter()
    with pytest.raises(DataError):
        context.decode(b"\xff\xff\xff\x7f", 3, (3, 1000, 1000))
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: [], "integers from 0 to 4095"),
        (lambda t: t[:-1], "then all their integers"),
        (lambda t: [5, *t[1:]], "1 to 4 bits"),
        (lambda t: [*t[:3], t[3] + 1, *t[4:]], "add up to 4096"),
        (lambda t: [*t[:7], 0, *t[8:]], "frequencies of 1 or more"),
        (lambda t: [*t[:-1], t[2]], "contexts below 2 rows; got 2"),
        (lambda t: [*t[:-1], -1], "integers from 0"),
        (lambda t: [*t[:-1], 0.5], "integers from 0"),
        (lambda t: [1, 300, 900, *[2048] * 1800, *[9] * 300, *[0] * 1800], "1536 entries; got 2400"),
    ],
)
def test_bad_tables(change, message):
    with pytest.raises(DataError, match=message):
        coder("context", change(BY_HAND))


def test_bad_arguments():
    context = coder("context", BY_HAND)
    for bits, shape, value in ((2, (1, 4, 4), 0), (1, (2, 4, 4), 0), (1, (16,), 0), (1, (1, 4, 4), 2)):
        with pytest.raises(DataError):
            context.encode(np.full(shape, value, np.uint8), bits)
    with pytest.raises(DataError, match="2 to 16 levels"):
        train_tables(np.zeros((1, 4, 4, 1), np.uint8), 17)
    with pytest.raises(DataError, match="below levels"):
        train_tables(np.full((1, 4, 4, 1), 3, np.uint8), 3)
