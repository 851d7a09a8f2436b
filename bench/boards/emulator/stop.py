"""Why the machine stopped, and faults told so that a person can find them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import unicorn as uc
from unicorn import arm_const as arm
from unicorn import unicorn_const as const

from bench.boards.emulator.image import Symbols

CORE_REGISTERS = [getattr(arm, f"UC_ARM_REG_R{n}") for n in range(13)] + [arm.UC_ARM_REG_SP, arm.UC_ARM_REG_LR]
NAMES = [f"r{n}" for n in range(13)] + ["sp", "lr"]
ACCESS = {
    const.UC_MEM_READ_UNMAPPED: "read of unmapped address",
    const.UC_MEM_WRITE_UNMAPPED: "write to unmapped address",
    const.UC_MEM_FETCH_UNMAPPED: "execution at unmapped address",
    const.UC_MEM_READ_PROT: "read of protected address",
    const.UC_MEM_WRITE_PROT: "write to read-only address",
    const.UC_MEM_FETCH_PROT: "execution at non-executable address",
}
FETCHES = (const.UC_MEM_FETCH_UNMAPPED, const.UC_MEM_FETCH_PROT)
SVC_EXCEPTION, BKPT_EXCEPTION, RETURN_EXCEPTION = 2, 7, 8  # unicorn's numbers
EXCEPTIONS = {1: "undefined instruction", 3: "execution outside memory", 17: "FPU access"}


class Reason(StrEnum):
    BKPT = "bkpt"  # reached a BKPT
    EXIT = "exit"  # asked for by semihosting
    IDLE = "idle"  # waits for bytes from the host
    WFI = "wfi"  # sleeps and nothing can wake it
    LOOP = "loop"  # runs an empty endless loop
    LIMIT = "limit"  # ran as many instructions as it was given
    FAULT = "fault"


@dataclass(frozen=True)
class Stop:
    """detail: for a fault, what happened and where."""

    reason: Reason
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else str(self.reason)


def fault(what: str, pc: int, machine: uc.Uc, symbols: Symbols) -> Stop:
    values = machine.reg_read_batch(CORE_REGISTERS)
    registers = " ".join(f"{name}={value:#x}" for name, value in zip(NAMES, values, strict=True))
    place = symbols.place(pc)
    if symbols.at(pc) == "?":  # gone astray: where from, as far as the link register tells
        place += f", lr={symbols.place(values[-1] & ~1)}"
    return Stop(Reason.FAULT, f"{what} at pc={place}; {registers}")
