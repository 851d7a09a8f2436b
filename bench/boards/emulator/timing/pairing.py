"""Which two neighbouring instructions the Cortex-M7 issues in one cycle.

Sources: LLVM's ARMScheduleM7.td (units), jnk0le's Cortex-M7 microbenchmarks (slot rules, shifter conflicts).
"""

from __future__ import annotations

from bench.boards.emulator.timing.banks import same_bank
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
