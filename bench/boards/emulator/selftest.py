"""Is this machine's emulator sound? Some unicorn versions go wrong under memory hooks, and misname themselves."""

from __future__ import annotations

from importlib import metadata

import unicorn as uc
from unicorn import arm_const as arm
from unicorn import unicorn_const as const

from bench.boards.emulator.timing.decode import decode
from bench.boards.emulator.timing.edges import edge_cycles
from bench.boards.emulator.timing.library import library
from bench.boards.emulator.timing.parameters import VERSION, Parameters
from bench.errors import BoardError

# cmp r0,#0; itt eq; streq r1,[r2]; moveq r3,#1; cmp r0,#1; bne next; next: movs r4,#7; movw, movt r5,#0x56781234; nop
IF_THEN = bytes.fromhex("0028 04bf 1160 0123 0128 ffd1 0724 41f23425 c5f27865 00bf")
EXPECTED = {arm.UC_ARM_REG_R3: 1, arm.UC_ARM_REG_R4: 7, arm.UC_ARM_REG_R5: 0x56781234}
# ldr r3,[r0]; smlad r4,r1,r2,r4; ldr r5,[r0,#4]; smlad r6,r1,r2,r6: two pairs; adds r7,r5,r3
PAIRS = bytes.fromhex("0368 21fb0244 4568 21fb0266 ef18")


def selftest() -> str:
    """Raises BoardError if the emulator would compute wrong results; else says which versions it consists of."""
    for kind in (const.UC_HOOK_BLOCK, const.UC_HOOK_MEM_READ | const.UC_HOOK_MEM_WRITE):
        _check_if_then(kind)
    library()
    cycles = edge_cycles(None, decode(PAIRS, 0), False, Parameters.load())
    if cycles != 3:
        raise BoardError(
            "the timing model does not schedule as it should", expected="3 cycles", got=cycles, do=_advice()
        )
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("unicorn", "capstone", "ziglang"))
    return f"STM32F746 emulator, timing model {VERSION} ({versions})"


def _check_if_then(hook: int) -> None:
    """Conditional stores inside an IT block, under a hook."""
    machine = uc.Uc(uc.UC_ARCH_ARM, uc.UC_MODE_THUMB | uc.UC_MODE_MCLASS)
    machine.ctl_set_cpu_model(arm.UC_CPU_ARM_CORTEX_M7)
    machine.mem_map(0x1000, 0x1000)
    machine.mem_map(0x20000000, 0x1000)
    machine.mem_write(0x1000, IF_THEN)
    machine.reg_write(arm.UC_ARM_REG_R2, 0x20000000)
    machine.hook_add(hook, lambda *_: None)
    machine.emu_start(0x1001, 0x1000 + len(IF_THEN))
    got = {register: machine.reg_read(register) for register in EXPECTED}
    if got != EXPECTED:
        raise BoardError(
            f"unicorn {metadata.version('unicorn')} computes wrong results under hooks",
            expected=list(EXPECTED.values()),
            got=list(got.values()),
            do=_advice(),
        )


def _advice() -> str:
    return "delete .venv and run ./reproduce.sh doctor: it installs the versions in requirements.lock"
