"""What comes before the pipeline, one effect at a time: fetch supply, branch targets and directions, code in SRAM."""

from __future__ import annotations

from dataclasses import replace

import pytest
from emulator_programs import build, results

from bench.boards.emulator.image import Image
from bench.boards.emulator.machine import Machine
from bench.boards.emulator.timing.parameters import Parameters

MEASURED = Parameters.load()
TIMES = 32  # few enough that no two branches share a slot of the BTAC
CODE = """
#define NAKED ITCM __attribute__((naked, aligned(32)))
ITCM static uint32_t timed(void (*f)(void)) { uint32_t t = CYCLES; f(); return CYCLES - t; }
"""


def run(source: str, count: int, parameters: Parameters = MEASURED) -> list[int]:
    """The first `count` results of a program that stops at its BKPT."""
    board = Machine(Image.load(build(CODE + source)), parameters)
    assert board.run(10_000_000).reason == "bkpt"
    return results(board, count)


@pytest.mark.parametrize(("ahead", "cost"), [(0, 1), (1, 0)])
def test_a_branch_into_the_end_of_a_fetch_block_waits_for_the_next(ahead: int, cost: int) -> None:
    """64 bits per cycle: two wide instructions from 8n + 6 on need two blocks, unless one is waiting in the queue."""
    body = "b 9f; .balign 8; {}9: add.w r0, r0, #1; add.w r1, r1, #1;"
    functions = "".join(
        f'NAKED static void f{i}(void) {{ __asm volatile(".rept {TIMES}; {body.format(pad)} .endr; bx lr"); }}'
        for i, pad in enumerate(("", "nop; nop; nop; "))
    )
    calls = "timed(f0), timed(f1), result[0] = timed(f0), result[1] = timed(f1);"
    parameters = replace(MEASURED, core=replace(MEASURED.core, fetch_ahead=ahead))
    begin, end = run(f"{functions} int main(void) {{ {calls} return 0; }}", 2, parameters)
    assert end - begin == pytest.approx(cost * TIMES, abs=2)


def test_a_taken_branch_costs_more_until_its_target_is_known() -> None:
    first, again = run(
        'NAKED static void f(void) { __asm volatile(".rept 256; b 9f; nop; 9:\\n .endr; bx lr"); }'
        "int main(void) { for (int i = 0; i < 2; i++) result[i] = timed(f); return 0; }",
        2,
    )
    assert first - again == pytest.approx(256 * MEASURED.branch.taken_unknown, abs=16)


def test_a_call_through_a_pointer_is_mispredicted_when_it_changes() -> None:
    same, changing = run(
        """
        NAKED static void f(void) { __asm volatile("bx lr"); }
        NAKED static void g(void) { __asm volatile("bx lr"); }
        static void (*volatile goals[2])(void);
        ITCM static uint32_t calls(void) {
            uint32_t t = CYCLES;
            for (int i = 0; i < 1024; i++) goals[i & 1]();
            return CYCLES - t;
        }
        int main(void) {
            goals[0] = goals[1] = f; calls(), result[0] = calls();
            goals[1] = g; calls(), result[1] = calls();
            return 0;
        }""",
        2,
    )
    assert changing - same == pytest.approx(1024 * MEASURED.branch.mispredict, rel=0.1)


@pytest.mark.parametrize(("history", "share"), [(8, 0), (0, 0.5)])
def test_history_learns_a_pattern(history: int, share: float) -> None:
    """A branch that alternates: foreseen from what branches did before, a coin toss from its own counter alone."""
    parameters = replace(MEASURED, branch=replace(MEASURED.branch, history_bits=history))
    never, always, alternating = run(
        """
        ITCM static uint32_t walk(uint32_t keep, uint32_t set) {
            uint32_t t = CYCLES;
            for (uint32_t i = 0; i < 2048; i++)
                __asm volatile("cmp %0, #0; beq 1f; nop; 1:" :: "r"((i & keep) | set) : "cc");
            return CYCLES - t;
        }
        int main(void) {
            walk(0, 1), result[0] = walk(0, 1), walk(0, 0), result[1] = walk(0, 0), walk(1, 0), result[2] = walk(1, 0);
            return 0;
        }""",
        3,
        parameters,
    )
    lost = (alternating - (never + always) / 2) / 2048 / MEASURED.branch.mispredict
    assert lost == pytest.approx(share, abs=0.1 if not share else 0.51 * share + 0.01)


def test_code_in_sram_comes_through_the_instruction_cache() -> None:
    first, again = run(
        """
        NAKED static void f(void) { __asm volatile(".rept 384; add.w r0, r0, #1; .endr; bx lr"); }
        int main(void) {
            uint32_t from = (uint32_t)f & ~1u, to = 0x20020000;
            for (uint32_t i = 0; i < 1568; i += 4) REG(to + i) = REG(from + i);
            __asm volatile("dsb; isb");
            for (int i = 0; i < 2; i++) result[i] = timed((void (*)(void))(to | 1));
            return 0;
        }""",
        2,
    )
    assert first - again == pytest.approx(1536 / 32 * MEASURED.memory.sram_line, rel=0.1)
