"""The memory plan: buffers that live together never overlap, whatever their sizes and spans."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.benchmarks import kernels
from bench.benchmarks.networks import published
from bench.compile.layout import lay_out
from bench.compile.net_stage import network
from bench.compile.planner import ALIGN, Buffer, plan
from bench.compile.stages import check


@st.composite
def buffers(draw) -> list[Buffer]:
    count = draw(st.integers(0, 25))
    firsts = [draw(st.integers(-1, 12)) for _ in range(count)]
    return [Buffer(f"b{i}", draw(st.integers(1, 5000)), f, f + draw(st.integers(0, 6))) for i, f in enumerate(firsts)]


@given(buffers())
def test_live_buffers_never_overlap(items):
    offsets, size = plan(items)
    assert set(offsets) == {b.name for b in items}
    for i, a in enumerate(items):
        assert offsets[a.name] % ALIGN == 0 and offsets[a.name] >= 0
        assert offsets[a.name] + a.nbytes <= size
        for b in items[:i]:
            if a.meets(b):
                apart = offsets[a.name] + a.nbytes <= offsets[b.name] or offsets[b.name] + b.nbytes <= offsets[a.name]
                assert apart, (a, b)


@given(buffers())
def test_size_lies_between_the_busiest_step_and_the_sum(items):
    _, size = plan(items)
    rounded = {b.name: -(-b.nbytes // ALIGN) * ALIGN for b in items}
    steps = range(-1, 20)
    busiest = max(sum(rounded[b.name] for b in items if b.first <= s <= b.last) for s in steps)
    assert busiest <= size <= sum(rounded.values())


def test_a_chain_of_layers_needs_two_buffers_only():
    chain = [Buffer(f"x{i}", 1000, i, i + 1) for i in range(10)]
    _, size = plan(chain)
    assert size == 2000


def test_a_first_plan_that_wastes_memory_is_improved():
    """MCUNet's in3: by size alone, the second of two equal maps leaves no place for the third."""
    chain = [Buffer("frame", 90, -1, 0), Buffer("a", 120, 0, 1), Buffer("b", 120, 1, 2), Buffer("c", 64, 2, 3)]
    assert plan([*chain, Buffer("d", 184, 3, 4)])[1] == 248


def test_equal_names_are_refused():
    with pytest.raises(ValueError, match="two buffers"):
        plan([Buffer("a", 1, 0, 1), Buffer("a", 2, 0, 1)])


def test_working_memory_lies_in_dtcm_and_the_frame_gives_way(tmp_path):
    deployment = kernels.deploy(published.mobilenet(), "net", tmp_path)
    net = network(deployment.stages[0], tmp_path)
    layout = lay_out(deployment, check(deployment), {0: net})
    working = [place for name, place in layout.macros.items() if "_scratch_" in name]
    assert working and all("scratch + " in place for place in working)
    assert layout.sram < 96 * 96 * 3 + kernels.tensor_bytes(net)
