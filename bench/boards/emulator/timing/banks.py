"""DTCM and the data cache are two banks of 32 bits, interleaved by address bit 2: two loads pair if they use both.

Source: jnk0le's Cortex-M7 microbenchmarks. Where the addresses are not known to differ, a pair costs the mean of
core.bank_conflict.
"""

from __future__ import annotations

from bench.boards.emulator.timing.instruction import Instruction


def banks_known(older: Instruction, younger: Instruction) -> bool:
    """Two loads through one unchanged base register without index: their distance decides the banks."""
    a, b = older.place, younger.place
    return a is not None and b is not None and a.base == b.base and not a.index and not b.index and not older.updates


def same_bank(older: Instruction, younger: Instruction) -> bool:
    """Whether two loads are known to need one bank."""
    a, b = older.place, younger.place
    return banks_known(older, younger) and a is not None and b is not None and not (a.offset ^ b.offset) & 4
