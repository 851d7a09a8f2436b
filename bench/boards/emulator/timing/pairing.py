"""Which two neighbouring instructions the Cortex-M7 issues in one cycle.

Sources: LLVM's ARMScheduleM7 (units), jnk0le's Cortex-M7 notes (slot rules, shifter conflicts, load banks).
"""

from __future__ import annotations

from bench.boards.emulator.timing.instruction import Instruction, Kind
from bench.boards.emulator.timing.parameters import NO_DUAL_ISSUE, NO_MAC_THEN_LOAD

EXCLUSIVE = {  # (older, younger) that share a unit
    (Kind.MAC, Kind.MAC),
    (Kind.MAC, Kind.STORE),
    (Kind.STORE, Kind.MAC),
    (Kind.STORE, Kind.STORE),
    (Kind.FLOAT, Kind.FLOAT),
    (Kind.BRANCH, Kind.BRANCH),
}


def can_pair(older: Instruction, younger: Instruction, assumption: str) -> bool:
    """Whether `younger` can issue in the same cycle as `older`, operands aside."""
    if older.alone or younger.alone or younger.dsp:
        return False
    kinds = (older.kind, younger.kind)
    if kinds in EXCLUSIVE or assumption == NO_DUAL_ISSUE:
        return False
    if (older.float_mac and younger.float_port) or (older.float_port and younger.float_mac):
        return False
    if kinds == (Kind.MAC, Kind.LOAD) and assumption == NO_MAC_THEN_LOAD:
        return False
    if kinds == (Kind.LOAD, Kind.LOAD) and same_bank(older, younger):
        return False
    if (younger.shifted and (older.shifted or older.shift or older.bitfield)) or (older.shifted and younger.bitfield):
        return False
    return not (older.sets_flags and younger.reads_flags and not younger.branch)


def banks_known(older: Instruction, younger: Instruction) -> bool:
    """Two loads through one unchanged base register without index: their distance decides the banks."""
    a, b = older.place, younger.place
    return a is not None and b is not None and a.base == b.base and not a.index and not b.index and not older.updates


def same_bank(older: Instruction, younger: Instruction) -> bool:
    """DTCM is two banks of 32 bits, interleaved by address bit 2."""
    a, b = older.place, younger.place
    return banks_known(older, younger) and a is not None and b is not None and not (a.offset ^ b.offset) & 4
