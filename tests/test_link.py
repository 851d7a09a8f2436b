"""The link model: sizes that can be added up by hand, and units that are refused in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import wire
from bench.errors import BenchError
from bench.link import HEADERS, Link, parse_clock, parse_rate

OUTSIDE = 8 + 20 + 8 + 26 + 4  # UDP, IPv4, LLC/SNAP, 802.11 QoS header, FCS


def test_headers_are_the_documented_ones():
    assert sum(HEADERS.values()) == OUTSIDE + wire.OVERHEAD


def test_golden_time_by_hand():
    # up: 3,000 bytes in three fragments; down: 7 + 20 bytes in one; at 1 byte per millisecond
    expected = 3000 + 3 * (OUTSIDE + wire.OVERHEAD) + 7 + 20 + OUTSIDE + wire.OVERHEAD
    assert Link(8000).milliseconds(3000, 20) == expected


@given(st.integers(0, 200_000))
def test_the_model_sends_what_the_wire_sends(message):
    datagrams = wire.Message(wire.Kind.REQUEST, 1, 1, bytes(message)).datagrams()
    assert Link(6e6).air_bytes(message) == sum(map(len, datagrams)) + OUTSIDE * len(datagrams)


@given(st.integers(0, 100_000), st.floats(1e3, 1e9))
def test_more_bytes_or_a_lower_rate_never_cost_less(message, rate):
    assert Link(rate).milliseconds(message + 1, 20) > Link(rate).milliseconds(message, 20)
    assert Link(rate / 2).milliseconds(message, 20) == pytest.approx(2 * Link(rate).milliseconds(message, 20))


@pytest.mark.parametrize(
    ("text", "bps"),
    [
        ("6Mbps", 6e6),
        ("270kbps", 270e3),
        ("2 Mbit/s", 2e6),
        ("1.5 Mb/s", 1.5e6),
        ("9600bps", 9600),
        (" 6mbps ", 6e6),
        ("1Gbps", 1e9),
    ],
)
def test_rates(text, bps):
    assert parse_rate(text) == bps


@pytest.mark.parametrize(
    "text", ["6", "Mbps", "-6Mbps", "0Mbps", "6MB/s", "6Mhz", "nan Mbps", "infbps", "1e6bps", "6 M bps s", "", "९Mbps"]
)
def test_a_rate_that_is_none_is_refused_with_the_forms(text):
    with pytest.raises(BenchError, match="270kbps"):
        parse_rate(text)


@pytest.mark.parametrize(
    ("text", "hertz"), [("216MHz", 216_000_000), ("64 mhz", 64_000_000), ("128000000Hz", 128_000_000)]
)
def test_clocks(text, hertz):
    assert parse_clock(text) == hertz


@pytest.mark.parametrize("text", ["216", "216Mbps", "0MHz", "MHz", "216 MHz MHz"])
def test_a_clock_that_is_none_is_refused_with_the_forms(text):
    with pytest.raises(BenchError, match="216MHz"):
        parse_clock(text)
