"""One effect of the timing model at a time, on loops written in assembly."""

from __future__ import annotations

import itertools

import pytest
from emulator_programs import build, machine, results
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.boards.emulator.timing.decode import decode
from bench.boards.emulator.timing.parameters import Parameters
from bench.errors import BoardError, UnknownName

BRANCHES = """
ITCM __attribute__((noinline)) static uint32_t walk(const volatile uint8_t *bits, int n) {
    uint32_t s = 0;
    for (int i = 0; i < n; i++) {
        if (bits[i & 1023]) __asm volatile("add %0, %0, #3" : "+r"(s));
        else __asm volatile("eor %0, %0, #5" : "+r"(s));
    }
    return s;
}
static volatile uint8_t bits[1024];
int main(void) {
    uint32_t t, x = 1;
    t = CYCLES; walk(bits, 4096); result[0] = CYCLES - t;
    for (int i = 0; i < 1024; i++) { x = x * 1664525u + 1013904223u; bits[i] = x >> 31; }
    t = CYCLES; walk(bits, 4096); result[1] = CYCLES - t;
    return 0;
}"""


def test_unpredictable_branches_cost_more() -> None:
    board = machine(build(BRANCHES))
    board.run()
    steady, random = results(board, 2)
    assert random > steady + 4096 * 0.1 * 7
    assert board.timing.statistics()["mispredicted"] > 400


MEMORY = """
ITCM static uint32_t lines(uint32_t base, uint32_t n) {
    uint32_t sum = 0, t = CYCLES;
    for (uint32_t i = 0; i < n; i++) sum += REG(base + 32 * i);
    t = CYCLES - t;
    result[8] = sum;
    return t;
}
int main(void) {
    lines(0x20008000, 64);
    for (int pass = 0; pass < 2; pass++) {
        result[pass] = lines(0x08010000, 64); /* 2 KB of flash: fits the data cache */
    }
    lines(0x08020000, 2048); result[2] = lines(0x08020000, 2048); /* 64 KB: never fits */
    result[3] = lines(0x20008000, 64); /* DTCM */
    result[4] = lines(0x20020000, 64); /* SRAM, first time */
    for (uint32_t i = 0; i < 1024; i++) REG(0x20030000 + 32 * i) = i; /* leaves nothing but dirty lines */
    result[5] = lines(0x20020000, 64);
    return 0;
}"""


def test_data_cache_misses_follow_size_region_and_dirt() -> None:
    board = machine(build(MEMORY))
    board.run()
    first, again, never, tcm, sram, dirty = results(board, 6)
    memory = Parameters.load().memory
    assert first - again == pytest.approx(64 * memory.flash_line_at_7_wait_states, rel=0.1)
    assert never - 32 * again == pytest.approx(2048 * memory.flash_line_at_7_wait_states, rel=0.2)
    assert tcm == pytest.approx(again, abs=60)
    assert sram - tcm == pytest.approx(64 * memory.sram_line, rel=0.1)
    assert dirty - sram == pytest.approx(64 * memory.write_back, rel=0.25)


BIG = """
__attribute__((noinline)) static uint32_t run(void) {
    uint32_t t = CYCLES;
    __asm volatile(".rept %c0\\n add.w r0, r0, #1\\n .endr" :: "i"(SIZE / 4) : "r0");
    return CYCLES - t;
}
int main(void) {
    for (int i = 0; i < 3; i++) result[i] = run();
    return 0;
}"""


def test_instruction_cache_holds_what_fits() -> None:
    line = Parameters.load().memory.flash_line_at_7_wait_states
    for size, misses in ((2048, 0), (32768, 1024)):
        board = machine(build(BIG, f"-DSIZE={size}"))
        board.run()
        first, _, third = results(board, 3)
        assert first - size // 4 == pytest.approx(size // 32 * line, rel=0.15)
        assert third - size // 4 == pytest.approx(misses * line, rel=0.15, abs=40)


def test_flash_on_the_itcm_bus_goes_through_the_art() -> None:
    source = (
        BIG.partition("int main")[0]
        + """
    int main(void) {
        uint32_t (*alias)(void) = (uint32_t (*)(void))((uint32_t)run - 0x08000000 + 0x00200000);
        result[0] = alias(), result[1] = alias();
        REG(0x40023C00) = 0x107; /* ART off */
        result[2] = alias();
        return 0;
    }"""
    )
    board = machine(build(source, "-DSIZE=1536"))
    board.run()
    first, again, off = results(board, 3)
    lines, line = 1536 // 32, Parameters.load().memory.art_line_at_7_wait_states
    assert first - again == pytest.approx(lines * line, rel=0.1)
    assert off - again == pytest.approx(lines * line, rel=0.1)


@pytest.mark.parametrize("wait_states", [2, 4, 7])
def test_a_line_from_flash_takes_its_wait_states(wait_states: int) -> None:
    source = (
        MEMORY.partition("int main")[0]
        + f"""
    int main(void) {{
        REG(0x40023C00) = 0x300 | {wait_states};
        result[0] = lines(0x08010000, 64);
        result[1] = lines(0x08010000, 64);
        return 0;
    }}"""
    )
    board = machine(build(source))
    board.run()
    first, again = results(board, 2)
    line = Parameters.load().memory.flash_line_at_7_wait_states - 7 + wait_states
    assert first - again == pytest.approx(64 * line, rel=0.1)


def test_switched_off_caches_are_slow() -> None:
    on, off = (machine(build(BIG, "-DSIZE=2048", f"-DCACHES={caches}")) for caches in (1, 0))
    on.run(), off.run()
    assert off.cycles > on.cycles
    assert results(off, 3)[2] > 2 * results(on, 3)[2]


def test_code_overlaid_in_itcm_gets_its_own_cost() -> None:
    source = """
    __attribute__((naked, aligned(8))) static void slow(void) {
        __asm volatile("movs r1, #100\\n mov r2, #1\\n"
            "1: udiv r0, r1, r2\\n udiv r0, r1, r2\\n subs r1, #1\\n bne 1b\\n bx lr"); }
    __attribute__((naked, aligned(8))) static void fast(void) {
        __asm volatile("movs r1, #100\\n mov r2, #1\\n"
            "1: add.w r0, r1, r2\\n add.w r3, r1, r2\\n subs r1, #1\\n bne 1b\\n bx lr"); }
    static uint32_t timed(void (*f)(void)) {
        uint32_t from = (uint32_t)f & ~1u;
        for (uint32_t i = 0; i < 32; i += 4) REG(0x2000 + i) = REG(from + i);
        __asm volatile("dsb\\n isb");
        uint32_t t = CYCLES; ((void (*)(void))0x2001)(); return CYCLES - t;
    }
    int main(void) {
        for (int i = 0; i < COUNT; i++) result[i % 4] = timed(i & 1 ? fast : slow);
        return 0;
    }"""
    few, many = (machine(build(source, f"-DCOUNT={count}")) for count in (3, 203))
    few.run(), many.run()
    slow, fast, again = results(few, 3)
    assert slow > 1400 and fast < 400
    assert again == pytest.approx(slow, abs=100)
    assert many.timing.statistics()["blocks"] <= few.timing.statistics()["blocks"] + 10  # known again, not new


@settings(max_examples=200, deadline=None)
@given(st.binary(min_size=2, max_size=40).map(lambda b: b[: len(b) & ~1]))
def test_any_bytes_decode_to_their_own_length(code: bytes) -> None:
    instructions = decode(code, 0x08000000)
    assert instructions[0].address == 0x08000000
    for before, after in itertools.pairwise(instructions):
        assert after.address == before.address + before.size
    assert len(code) <= instructions[-1].address + instructions[-1].size - 0x08000000 <= len(code) + 2


def test_bad_calibration_and_assumption(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UnknownName, match="default"):
        Parameters.load("fast")
    path = tmp_path / "calibration.json"
    for text in ("", "{}", '{"name": "x", "core": {"store_to_load": -1}, "branch": {}, "memory": {}}'):
        path.write_text(text)
        with pytest.raises(BoardError, match="bad calibration"):
            Parameters.load(path=path)
