"""The order of loads and products in the inner loops: every product finds its words, in time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bench.compile.assembly import LATENCY, Mac, schedule

WAIT = LATENCY["ldr"]


@st.composite
def products(draw) -> list[Mac]:
    count, words = draw(st.integers(1, 60)), draw(st.integers(1, 20))
    word = st.integers(0, words - 1).map(lambda n: 4 * n)
    return [Mac("smlad", draw(st.integers(0, 3)), draw(word), draw(word)) for _ in range(count)]


@given(products(), st.integers(3, 8))
def test_every_product_finds_its_words(macs, registers):
    content: dict[int, tuple[tuple[str, int], int]] = {}
    order = []
    for now, slot in enumerate(schedule(macs, registers)):
        assert len(slot.loads) <= 2
        for register, word in slot.loads:
            assert 0 <= register < registers
            content[register] = (word, now)
        if slot.mac:
            mac, *used = slot.mac
            for register, word in zip(used, mac.words, strict=True):
                assert content[register][0] == word and now >= content[register][1] + WAIT
            order.append(mac)
    assert order == macs


def test_a_tile_of_two_by_two_needs_one_cycle_per_product():
    macs = [
        Mac("smlad", total, 4 * i + 1000 * pixel, 8 * i + 4 * channel)
        for i in range(24)
        for total, pixel, channel in ((0, 0, 0), (2, 1, 0), (3, 1, 1), (1, 0, 1))
    ]
    assert len(schedule(macs, 5)) == len(macs) + WAIT
