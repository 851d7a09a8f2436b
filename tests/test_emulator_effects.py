"""One effect of the pipeline at a time, on loops written in assembly: what a published source says a body costs.

Sources: J = jnk0le's Cortex-M7 microbenchmarks, L = LLVM's ARMScheduleM7.td, P = the prototype's fit to silicon runs,
TRM = Arm's Cortex-M7 reference manual.
"""

from __future__ import annotations

import pytest
from emulator_programs import build, machine, results

from bench.boards.emulator.timing.parameters import NO_DUAL_ISSUE, NO_MAC_THEN_LOAD

TIMES, COPIES = 50, 20
# effect -> (source, instructions, cycles per copy); r7: address of a word that holds it, r6 = 0, r2 = r3 = 1
BODIES = {
    "independent additions pair": ("L", "add r0, r0, #1; add r1, r1, #1", 1),
    "dependent additions do not": ("L", "add r0, r0, #1; add r0, r0, #1; add r0, r0, #1; add r0, r0, #1", 4),
    "early ALU feeds late ALU in its own cycle": ("J", "add r0, r1, #1; eor r4, r0, r3", 1),
    "late ALU feeds a shifted operand two cycles later": ("J", "eor r1, r4, r3; add r4, r5, r1, lsl #2; nop; nop", 3),
    "two shifted operands do not pair": ("J", "eor r0, r1, r2, lsl #1; eor r4, r1, r2, lsl #1", 2),
    "a shift and a plain operand pair": ("J", "eor r0, r1, r2, lsl #1; eor r4, r1, r2", 1),
    "two DSP instructions do not pair": ("J", "uxtb r0, r1; uxtb r4, r5", 2),
    "a DSP instruction pairs as the older": ("J", "uxtb r0, r1; add r4, r5, #1", 1),
    "load feeds an address two cycles later": ("L", "ldr r7, [r7]", 2),
    "load feeds the ALU in the next cycle": ("J", "ldr r0, [r7]; orr r7, r0, r6", 3),
    "load feeds an ALU with a shifter two cycles later": ("J", "ldr r0, [r7]; orr r7, r0, r6, lsl #2", 4),
    "byte load takes a cycle more": ("J", "ldrb r0, [r7]; and r0, r0, r6; orr r7, r7, r0", 5),
    "loads from both banks pair": ("J", "ldr r0, [r7]; ldr r1, [r7, #4]", 1),
    "loads from one bank do not": ("J", "ldr r0, [r7]; ldr r1, [r7, #8]", 2),
    "unaligned load": ("J", "ldr r0, [r7, #1]; nop", 4),
    "load and store pair": ("J", "ldr r0, [r7]; str r1, [r7, #4]", 1),
    "two stores do not": ("J", "str r0, [r7, #8]; str r1, [r7, #4]", 2),
    "anything is stored in its own cycle": ("J", "ldrb r0, [r7]; strb r0, [r7, #8]", 1),
    "store then load of the same word": ("P", "str r7, [r7]; ldr r0, [r7]", 5),
    "load double": ("J", "ldrd r0, r1, [r7]", 1),
    "push and pop of four": ("J", "push {r0-r3}; pop {r0-r3}", 4),
    "push and pop of four doubles": ("J", "vpush {d0-d3}; vpop {d0-d3}", 8),
    "load and multiply pair": ("J", "ldr r0, [r7]; smlad r1, r2, r3, r1", 1),
    "multiply and load pair": ("J", "smlad r1, r2, r3, r1; ldr r0, [r7]", 1),
    "two multiplies do not": ("J", "smlad r1, r2, r3, r1; smlad r4, r2, r3, r4", 2),
    "multiply and store do not": ("J", "mul r1, r2, r3; str r0, [r7, #4]", 2),
    "accumulation is forwarded": ("J", "smlad r1, r2, r3, r1; nop", 1),
    "a product used as a factor waits": ("J", "mul r1, r1, r2; nop", 2),
    "a product waits for a loaded factor": ("J", "ldr r0, [r7]; mul r7, r0, r2", 5),
    "divide": ("L", "udiv r0, r1, r2", 7),
    "a predicted branch costs its slot": ("TRM", "b 9f; nop; 9: add r0, r1, #1", 1),
    "a block begins in the cycle after its branch": ("TRM", "ldr r0, [r7]; b 9f; nop; 9:", 1),
    "load feeds an address in the next block": ("L", "ldr r7, [r7]; b 9f; nop; 9:", 2),
    "a product used as a factor in the next block waits": ("J", "mul r1, r1, r2; b 9f; nop; 9:", 2),
    "a predicated instruction pairs with its IT": ("J", "it eq; addeq r0, r1, #1", 1),
    "float addition": ("J", "vadd.f32 s0, s0, s1", 3),
    "two float additions do not pair": ("J", "vadd.f32 s0, s2, s1; vadd.f32 s3, s4, s5", 2),
    "float and integer pair": ("J", "vadd.f32 s0, s2, s1; add r0, r1, #1", 1),
    "float product into a sum": ("J", "vmul.f32 s3, s0, s1; vfma.f32 s0, s3, s3", 8),
    "fused sums chain": ("J", "vfma.f32 s0, s1, s2", 3),
    "unfused sums chain": ("J", "vmla.f32 s0, s1, s2", 3),
    "float addition waits behind a fused one": ("J", "vfma.f32 s0, s1, s2; vadd.f32 s3, s4, s5", 5),
    "float divide": ("J", "vdiv.f32 s0, s1, s2", 16),
    "square root": ("J", "vsqrt.f32 s0, s1", 14),
    "to float and back": ("J", "vmov s0, r0; vmov r0, s0", 4),
    "float load pairs": ("J", "vldr s0, [r7]; nop", 1),
    "double load does not": ("J", "vldr d0, [r7]; nop", 2),
}


def measure(assumption: str) -> dict[str, float]:
    """Cycles per copy of every body, the loop's own taken away."""
    names = ["", *BODIES]
    functions = []
    for index, name in enumerate(names):
        body = "; ".join([BODIES[name][1]] * COPIES) if name else "nop"
        functions.append(
            f"ITCM __attribute__((naked)) static void f{index}(void) {{ __asm volatile("
            f'"push {{r4-r8, lr}}; ldr r7, =result; str r7, [r7]; str r7, [r7, #4]; movs r2, #1; movs r3, #1;'
            f" movs r6, #0; mov r8, #{TIMES}; .balign 8;"
            f' 1: {body}; subs r8, r8, #1; bne 1b; pop {{r4-r8, pc}}; .ltorg"); }}'
        )
    calls = "".join(f"t = CYCLES; f{i}(); saved[{i}] = CYCLES - t;" for i in range(len(names)))
    copy = f"for (int i = 0; i < {len(names)}; i++) result[i] = saved[i];"
    board = machine(
        build(
            "\n".join(functions)
            + f"static volatile uint32_t saved[64]; int main(void) {{ uint32_t t; {calls} {copy} return 0; }}"
        ),
        assumption,
    )
    assert board.run(10_000_000).reason == "bkpt"
    empty, *rest = results(board, len(names))
    return {name: (cycles - empty) / TIMES / COPIES for name, cycles in zip(BODIES, rest, strict=True)}


@pytest.fixture(scope="module")
def costs() -> dict[str, float]:
    return measure("default")


@pytest.mark.parametrize("name", BODIES)
def test_cost(costs: dict[str, float], name: str) -> None:
    source, _, cycles = BODIES[name]
    assert costs[name] == pytest.approx(cycles, abs=0.3), source


def test_assumptions_slow_down_what_they_name() -> None:
    careful, single = measure(NO_MAC_THEN_LOAD), measure(NO_DUAL_ISSUE)
    assert careful["multiply and load pair"] == pytest.approx(1.5, abs=0.6)
    assert careful["independent additions pair"] == pytest.approx(1, abs=0.3)
    for name in ("independent additions pair", "load and multiply pair", "loads from both banks pair"):
        assert single[name] == pytest.approx(2, abs=0.3)
