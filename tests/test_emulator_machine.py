"""The emulated chip: memory rights, registers, cycle counter, breakpoints, limits."""

from __future__ import annotations

import pytest
from emulator_programs import build, machine, results

from bench.boards.emulator.selftest import selftest
from bench.boards.emulator.stop import Reason
from bench.errors import BoardError


def stop_of(body: str) -> str:
    stop = machine(build(f"int main(void) {{ {body} return 0; }}")).run(1_000_000)
    assert stop.reason is Reason.FAULT, stop
    return stop.detail


def test_selftest_names_the_versions() -> None:
    assert "unicorn 2.1.1" in selftest()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("REG(0x08001000) = 1;", ["write to read-only address 0x08001000"]),
        ("REG(0x00201000) = 1;", ["write to read-only address 0x00201000"]),
        ("result[0] = REG(0x30000000);", ["read of unmapped address 0x30000000"]),
        ("REG(0x20050000) = 1;", ["write to unmapped address 0x20050000"]),
        ("((void (*)(void))0x20000101)();", ["execution at non-executable address 0x20000100"]),
        ("((void (*)(void))0x60000001)();", ["execution at unmapped address 0x60000000"]),
        ('__asm volatile("udf #1");', ["undefined instruction"]),
    ],
)
def test_stray_accesses_fault_with_place(body: str, words: list[str]) -> None:
    detail = stop_of(body)
    for word in [*words, "pc=0x0800", "(main", "r0=", "lr="]:
        assert word in detail


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("0x40000001", "execution outside memory at pc=0x40000000"),
        ("0x08080000", "undefined instruction at pc=0x08080000"),
    ],
)
def test_a_jump_astray_is_named_with_where_it_came_from(place: str, words: str) -> None:
    detail = stop_of(f"((void (*)(void)){place})();")
    assert detail.startswith(f"{words} (no symbol), lr=0x0800") and "(main+" in detail


def test_the_faulting_instruction_is_named_inside_its_block() -> None:
    elf = build(
        '__attribute__((naked)) int main(void) { __asm volatile("movs r0, #0\\n nop\\n mov r2, #0x30000000\\n'
        ' .global culprit\\n culprit: ldr r3, [r2, #4]\\n bx lr"); }'
    )
    board = machine(elf)
    assert f"pc={board.image.symbols.addresses['culprit']:#010x}" in board.run().detail


def test_cycle_counter_needs_trace_unlock_and_enable() -> None:
    source = """
    static uint32_t moves(void) { uint32_t t = CYCLES; for (volatile int i = 0; i < 9; i++) ; return CYCLES != t; }
    int main(void) {
        result[0] = moves();
        REG(0xE0001FB0) = 0; REG(0xE0001000) &= ~1u; result[1] = moves();   /* locked: the write is ignored */
        REG(0xE0001004) = 77; result[2] = CYCLES > 77;
        REG(0xE0001FB0) = 0xC5ACCE55; REG(0xE0001000) &= ~1u; result[3] = moves();
        REG(0xE0001004) = 77; result[4] = CYCLES;
        REG(0xE0001000) |= 1; result[5] = moves();
        REG(0xE000EDFC) &= ~(1u << 24); result[6] = moves();
        result[7] = REG(0xE0001FB4);
        return 0;
    }"""
    board = machine(build(source))
    assert board.run().reason is Reason.BKPT
    assert results(board, 8) == [1, 1, 1, 0, 77, 1, 0, 1]


def test_clock_setup_reads_back() -> None:
    source = """
    int main(void) {
        REG(0x40023800) |= 1u << 16; while (!(REG(0x40023800) >> 17 & 1)) ;
        REG(0x40023804) = 25u | 432u << 6 | 1u << 22 | 9u << 24;
        REG(0x40023800) |= 1u << 24; while (!(REG(0x40023800) >> 25 & 1)) ;
        REG(0x40007000) |= 1u << 16; while (!(REG(0x40007004) >> 16 & 1)) ;
        REG(0x40007000) |= 1u << 17; while (!(REG(0x40007004) >> 17 & 1)) ;
        REG(0x40023808) = 5u << 10 | 4u << 13; REG(0x40023808) |= 2; while ((REG(0x40023808) & 12) != 8) ;
        REG(0x40023890) = 2; result[0] = REG(0x40023890); result[1] = REG(0xE000ED00);
        *(volatile uint16_t *)0x40013002 = 0x1234; result[2] = REG(0x40013000);
        result[3] = *(volatile uint8_t *)0x40013003;
        return 0;
    }"""
    board = machine(build(source))
    board.run(1_000_000)
    assert board.rcc.hclk_hz() == 216_000_000
    assert results(board, 4) == [2, 0x410FC271, 0x12340000, 0x12]


def test_flash_shows_at_both_buses_and_runs_there() -> None:
    source = """
    __attribute__((noinline)) int twice(int x) { return 2 * x; }
    int main(void) {
        result[0] = REG(0x00200004) == REG(0x08000004);
        result[1] = (uint32_t)((int (*)(int))((uint32_t)twice - 0x08000000 + 0x00200000))(21);
        return 0;
    }"""
    board = machine(build(source))
    assert board.run().reason is Reason.BKPT
    assert results(board, 2) == [1, 42]


def test_breakpoint_stops_and_goes_on() -> None:
    board = machine(build("int main(void) { result[0] = 1; BKPT; result[0] = 2; return 0; }"))
    assert (board.run().reason, results(board, 1)) == (Reason.BKPT, [1])
    assert (board.run().reason, results(board, 1)) == (Reason.BKPT, [2])


def test_semihosting_is_skipped_prints_and_exits() -> None:
    source = r"""
    static int call(int op, const void *arg) {
        register int r0 __asm("r0") = op; register const void *r1 __asm("r1") = arg;
        __asm volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory"); return r0;
    }
    int main(void) {
        call(4, "hello "); call(3, "x"); struct { int file; const char *text; int n; } w = {1, "world", 3}; call(5, &w);
        result[0] = 5; call(0x77, 0); result[1] = 6;
        call(0x18, (void *)0x20026); result[2] = 7; return 0;
    }"""
    board = machine(build(source))
    assert board.run().reason is Reason.EXIT
    assert results(board, 3) == [5, 6, 0]
    assert board.semihosting.output == b"hello xwor"


def test_limit_loop_and_sleep() -> None:
    forever = build("int main(void) { for (;;) result[0]++; }")
    board = machine(forever)
    assert board.run(100_000).reason is Reason.LIMIT
    assert 100_000 <= board.instructions < 100_100
    assert machine(build("int main(void) { for (;;) ; }")).run().reason is Reason.LOOP
    assert machine(build("int main(void) { for (;;) ; }")).run(5_000).reason is Reason.LIMIT
    assert machine(build('int main(void) { __asm volatile("wfi"); return 0; }')).run().reason is Reason.WFI


def test_two_runs_cost_the_same_and_slices_change_nothing() -> None:
    source = """
    ITCM static int work(int n) { int s = 0; for (int i = 0; i < n; i++) s += (i * s) >> (i & 3) ? i : -i; return s; }
    int main(void) { for (int i = 0; i < 50; i++) result[i] = (uint32_t)work(100 + i); return 0; }"""
    elf = build(source)
    first, second, sliced = machine(elf), machine(elf), machine(elf)
    first.run(), second.run()
    while sliced.run(sliced.instructions + 777).reason is Reason.LIMIT:
        pass
    assert first.cycles == second.cycles == sliced.cycles > first.instructions / 2
    assert first.instructions == second.instructions == sliced.instructions


def test_the_cycle_counter_is_exact_inside_a_block() -> None:
    source = """
    ITCM __attribute__((naked)) static void f(volatile uint32_t *out) { __asm volatile(
        "push {r4-r6, lr}\\n ldr r1, =0xE0001004\\n .balign 8\\n nop\\n nop\\n"
        "ldr r2, [r1]\\n .rept 20\\n add r6, r6, #1\\n .endr\\n"
        "ldr r3, [r1]\\n .rept 10\\n add r6, r6, #1\\n .endr\\n ldr r4, [r1]\\n"
        "subs r5, r3, r2\\n str r5, [r0]\\n subs r5, r4, r3\\n str r5, [r0, #4]\\n pop {r4-r6, pc}\\n .ltorg"); }
    int main(void) { f(result); f(result); return 0; }"""
    board = machine(build(source))
    board.run()
    assert results(board, 2) == [pytest.approx(20, abs=1), pytest.approx(10, abs=1)]


def test_conditional_stores_under_memory_hooks() -> None:
    """Unicorn 2.1.4 goes wrong here: a hooked store inside an IT block."""
    source = """
    int main(void) {
        volatile uint32_t *cached = (volatile uint32_t *)0x20020000;
        uint32_t a = 0, b = 0;
        for (uint32_t i = 0; i < 100; i++)
            __asm volatile("cmp %2, %3\\n ittt eq\\n streq %2, [%4]\\n ldreq %0, [%4]\\n addeq %1, %1, #1\\n"
                           "cmp %2, #99\\n bne 1f\\n add %1, %1, #1000\\n 1:"
                           : "+r"(a), "+r"(b) : "r"(i), "r"(i & 0x3C), "r"(cached) : "cc", "memory");
        result[0] = a; result[1] = b; result[2] = *cached; return 0;
    }"""
    board = machine(build(source))
    assert board.run(100_000).reason is Reason.BKPT
    assert results(board, 3) == [60, 1016, 60]


def test_memory_to_memory_dma() -> None:
    source = """
    static volatile uint32_t from[4] = {1, 2, 3, 4}, to[4];
    int main(void) {
        for (uint32_t i = 0; i < 4; i++) from[i] = i + 7;
        REG(0x40026414) = 4; REG(0x40026418) = (uint32_t)from; REG(0x4002641C) = (uint32_t)to;
        REG(0x40026410) = 2u << 13 | 2u << 11 | 1u << 10 | 1u << 9 | 2u << 6 | 1;
        while (!(REG(0x40026400) >> 5 & 1)) ;
        REG(0x40026408) = 1u << 5;
        for (uint32_t i = 0; i < 4; i++) result[i] = to[i];
        result[4] = REG(0x40026400) >> 5 & 1; result[5] = REG(0x40026410) & 1;
        return 0;
    }"""
    board = machine(build(source))
    assert board.run(100_000).reason is Reason.BKPT
    assert results(board, 6) == [7, 8, 9, 10, 0, 0]


def test_dma_into_nothing_is_an_error() -> None:
    source = """int main(void) {
        REG(0x40026414) = 4; REG(0x40026418) = 0x20000000; REG(0x4002641C) = 0x30000000;
        REG(0x40026410) = 2u << 6 | 1; return 0; }"""
    with pytest.raises(BoardError, match="0x30000000"):
        machine(build(source)).run(100_000)


def test_timer_counts_and_random_numbers_come() -> None:
    source = """int main(void) {
        REG(0x40000028) = 9; REG(0x40000014) = 1; REG(0x40000000) = 1; /* TIM2, divided by ten */
        uint32_t t = CYCLES, c = REG(0x40000024);
        for (volatile int i = 0; i < 5000; i++) ;
        result[0] = REG(0x40000024) - c; result[1] = CYCLES - t;
        REG(0x4000042C) = 99; REG(0x40000400) = 1; REG(0x40000410) = 0; /* TIM3 overflows */
        while (!(REG(0x40000410) & 1)) ;
        result[2] = REG(0x40000424) < 100;
        while (!(REG(0x50060804) & 1)) ;
        result[3] = REG(0x50060808) != REG(0x50060808);
        return 0;
    }"""
    board = machine(build(source))
    assert board.run(1_000_000).reason is Reason.BKPT
    counts, cycles, *rest = results(board, 4)
    assert counts == pytest.approx(cycles / 10, rel=0.02)
    assert rest == [1, 1]
