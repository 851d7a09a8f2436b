"""The LZW coder: golden bytes, round trips, refusal of damaged streams, and the C twin byte for byte."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.codec import coder, lzw
from bench.errors import DataError, UnknownName

STAGES = Path(lzw.__file__).parents[1] / "firmware" / "stages"
GOLDEN = [
    (2, [0], "00"),
    (2, [0, 0, 0, 0, 0, 0], "6001"),  # 0, 4 (a phrase that this very code defines), 5: three bits each
    (3, [7, 1, 7, 1, 7, 1, 7], "17a8"),
]


@pytest.fixture(scope="session")
def twin(tmp_path_factory):
    """stage_code_lzw from the firmware's source, compiled for this machine."""
    folder = tmp_path_factory.mktemp("lzw")
    (folder / "scratch.c").write_text('#include "stage.h"\nuint32_t scratch[SCRATCH_BYTES / 4];\n')
    command = [
        sys.executable,
        "-m",
        "ziglang",
        "cc",
        "-O2",
        "-shared",
        "-fPIC",
        f"-I{STAGES}",
        str(STAGES / "lzw.c"),
        "scratch.c",
    ]
    subprocess.run([*command, "-o", "twin.so"], check=True, cwd=folder)
    library = ctypes.CDLL(str(folder / "twin.so"))

    def encode(symbols: np.ndarray, bits: int) -> bytes:
        room = lzw.max_bytes(symbols.size, bits) + 4  # whole words are stored
        payload, length = ctypes.create_string_buffer(b"\xa5" * (room + 8), room + 8), ctypes.c_uint32()
        library.stage_code_lzw(
            symbols.ctypes.data_as(ctypes.c_void_p), symbols.size, bits, payload, ctypes.byref(length)
        )
        assert payload.raw[room:] == b"\xa5" * 8, "wrote past the largest payload"
        return payload.raw[: length.value]

    return encode


@st.composite
def streams(draw):
    """(bits, symbols): noise, runs and repeats, long enough to fill the dictionary now and then."""
    bits = draw(st.integers(1, 8))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    count, levels = draw(st.sampled_from([0, 1, 2, 3, 17, 300, 5000, 30000])), draw(st.integers(1, 1 << bits))
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
def test_round_trip_and_twin(twin, stream):
    bits, symbols = stream
    data = lzw.encode(symbols, bits)
    assert len(data) <= lzw.max_bytes(symbols.size, bits)
    assert np.array_equal(lzw.decode(data, bits, symbols.size), symbols)
    assert twin(symbols, bits) == data


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.integers(1, 8), st.integers(0, 2000))
def test_noise_is_refused_or_has_the_right_length(data, bits, count):
    try:
        symbols = lzw.decode(data, bits, count)
    except DataError:
        return
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


def test_bad_arguments():
    for bits, symbols in ((3, [8]), (0, [0]), (9, [0])):
        with pytest.raises(DataError):
            lzw.encode(np.array(symbols, np.uint8), bits)
    with pytest.raises(DataError, match="expected 9 symbols; got 10"):  # the last phrase is one too long
        lzw.decode(lzw.encode(np.ones(10, np.uint8), 8), 8, 9)
    with pytest.raises(DataError, match="zeros after"):
        lzw.decode(b"\x08", 2, 1)
    with pytest.raises(UnknownName):
        coder("zip")
