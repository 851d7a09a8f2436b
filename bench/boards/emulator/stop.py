"""Why the machine stopped, and faults told so that a person can find them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import capstone as cs
import unicorn as uc
from capstone import arm as cs_arm
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
EXCEPTIONS = {1: "undefined instruction", 2: "SVC without a handler", 8: "exception return without an exception", 17: "FPU access"}


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
    return Stop(Reason.FAULT, f"{what} at pc={pc:#010x} ({symbols.describe(pc)}); {registers}")


def faulting_pc(machine: uc.Uc, start: int, size: int, address: int) -> int:
    """The instruction of the block [start, start + size) that accessed `address`.

    Unicorn knows only the block at that moment, but the registers are exact: the first access whose operand gives that address.
    """
    disassembler = cs.Cs(cs.CS_ARCH_ARM, cs.CS_MODE_THUMB | cs.CS_MODE_MCLASS | cs.CS_MODE_V8)
    disassembler.detail = True
    for raw in disassembler.disasm(bytes(machine.mem_read(start, size)), start):
        if raw.mnemonic.startswith(("push", "vpush")):
            low, high = machine.reg_read(arm.UC_ARM_REG_SP) - 128, machine.reg_read(arm.UC_ARM_REG_SP)
        elif raw.mnemonic.startswith(("pop", "vpop", "ldm", "stm", "vldm", "vstm")):
            operand = raw.operands[0]
            base = "sp" if raw.mnemonic.startswith(("pop", "vpop")) else raw.reg_name(operand.reg)
            low = _register(machine, base) - (128 if "db" in raw.mnemonic else 0)
            high = low + 128
        else:
            places = [o.mem for o in raw.operands if o.type == cs_arm.ARM_OP_MEM]
            if not places:
                continue
            place = places[0]
            low = _register(machine, raw.reg_name(place.base), raw.address) + (0 if raw.post_index else place.disp)
            if place.index:
                low += _register(machine, raw.reg_name(place.index)) << place.lshift
            high = low + 8
        if low & 0xFFFFFFFF <= address < high & 0xFFFFFFFF:
            return int(raw.address)
    return start


def _register(machine: uc.Uc, name: str, pc: int = 0) -> int:
    if name == "pc":
        return pc + 4 & ~3
    aliases = {"sb": "R9", "sl": "R10", "fp": "R11", "ip": "R12"}
    return int(machine.reg_read(getattr(arm, f"UC_ARM_REG_{aliases.get(name, name.upper())}")))
