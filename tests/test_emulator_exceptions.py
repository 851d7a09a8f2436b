"""SysTick, SVC, PendSV and software interrupts."""

from __future__ import annotations

from emulator_programs import build, machine, results

from bench.boards.emulator.stop import Reason

VECTORS = (
    "-DVECTORS=&_stack, (void *)Reset_Handler, [11] = (void *)svc, [14] = (void *)pendsv, [15] = (void *)tick, "
    "[53] = (void *)irq"
)
HANDLERS = """
static volatile uint32_t ticks, order;
void svc(void) { result[1] = (result[1] << 4) + 5; }
void pendsv(void) { order = order * 10 + 2; }
void irq(void) { order = order * 10 + 3; uint32_t n; __asm volatile("mrs %0, ipsr" : "=r"(n)); result[4] = n; }
void tick(void) { ticks++; __asm volatile("vmov.f32 s0, #2.0\\n vmov.f32 s9, #3.0" ::: "s0", "s9", "memory"); }
"""
DECLARE = "void svc(void); void pendsv(void); void irq(void); void tick(void);"


def run(body: str, limit: int | None = 5_000_000) -> tuple[Reason, list[int], int]:
    board = machine(build(f"{HANDLERS} int main(void) {{ {body} return 0; }}", VECTORS, f"-DDECLARE={DECLARE}"))
    stop = board.run(limit)
    return stop.reason, results(board, 8), board.cycles


def test_systick_interrupts_on_time_and_keeps_registers() -> None:
    reason, found, _ = run("""
        REG(0xE000E014) = 9999; REG(0xE000E018) = 0; REG(0xE000E010) = 7;
        float x = 1.0f; uint32_t n = 0, start = CYCLES;
        while (ticks < 20) { __asm volatile("vadd.f32 %0, %0, %1" : "+t"(x) : "t"(1.0f)); n++; }
        result[0] = ticks; result[2] = n; result[3] = (uint32_t)x; result[5] = CYCLES - start;""")
    assert reason is Reason.BKPT
    assert found[0] == 20 and found[2] + 1 == found[3] and found[2] > 1000
    assert abs(found[5] - 200_000) < 500


def test_sleep_until_the_next_tick() -> None:
    reason, found, cycles = run("""
        REG(0xE000E014) = 99999; REG(0xE000E018) = 0; REG(0xE000E010) = 7;
        while (ticks < 5) __asm volatile("wfi");
        result[0] = ticks;""")
    assert (reason, found[0]) == (Reason.BKPT, 5) and 500_000 < cycles < 520_000


def test_supervisor_calls_keep_the_stack() -> None:
    reason, found, _ = run(
        'result[1] = 1; __asm volatile("svc 3\\n push {r0}\\n svc 3\\n pop {r0}" ::: "memory"); result[0] = 9;'
    )
    assert (reason, found[:2]) == (Reason.BKPT, [9, 0x155])


def test_pending_waits_for_mask_and_priority() -> None:
    reason, found, _ = run("""
        REG(0xE000ED20) = 0xF0u << 16; REG(0xE000E424) = 0x80u << 8; REG(0xE000E104) = 1u << 5;
        __asm volatile("cpsid i");
        REG(0xE000ED04) = 1u << 28; REG(0xE000E204) = 1u << 5;
        for (volatile int i = 0; i < 100; i++) ;
        result[0] = order; __asm volatile("cpsie i");
        while (order < 10) ;
        result[1] = order;""")
    assert (reason, found[0], found[1], found[4]) == (Reason.BKPT, 0, 32, 53)


def test_loops_that_wait_for_interrupts_are_not_endless() -> None:
    body = 'REG(0xE000E014) = 9999; REG(0xE000E010) = 7; __asm volatile("cpsid i"); for (;;) ;'
    assert run(body, 100_000)[0] is Reason.LIMIT


def test_runs_are_repeatable_with_interrupts() -> None:
    body = "REG(0xE000E014) = 777; REG(0xE000E018) = 0; REG(0xE000E010) = 7; while (ticks < 50) result[0]++;"
    assert run(body) == run(body)
