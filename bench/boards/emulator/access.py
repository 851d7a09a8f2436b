"""Which instruction is accessing memory right now? Unicorn knows only the block, but the registers are exact."""

from __future__ import annotations

import unicorn as uc
from capstone import arm as cs_arm
from unicorn import arm_const as arm

from bench.boards.emulator.timing.instruction import Instruction, Kind
from bench.boards.emulator.timing.native import TimingModel

MANY = 32 * 4  # bytes that LDM, STM, PUSH and POP can reach around their base register
WORD, DOUBLE = 4, 8
LONGEST_IT = 4  # instructions


class Access:
    """Finds the place inside the current block, and the cycles at that place."""

    def __init__(self, machine: uc.Uc, timing: TimingModel) -> None:
        self._machine, self._timing = machine, timing
        self._last = (-1, 0, -1)  # block, how often it had run, position of the last access asked for

    def position(self, address: int) -> int | None:
        """Position in the block of the instruction that accesses `address`; several that fit are taken in turn."""
        index, runs, block = self._timing.current_block()
        after = self._last[2] if self._last[:2] == (index, runs) else -1
        fits = [n for n, i in enumerate(block) if i.place is not None and self._reaches(i, address)]
        if not fits:
            return None
        found = next((n for n in fits if n > after), fits[-1])
        self._last = (index, runs, found)
        return found

    def resume(self) -> int:
        """Where to go on after a stop inside the read asked for last.

        Unicorn cuts the read short and names its block's start, but what comes before it must not happen again. A read
        under an IT it may finish.
        """
        index, runs, block = self._timing.current_block()
        pc, position = int(self._machine.reg_read(arm.UC_ARM_REG_PC)), self._last[2]
        under_it = any(i.kind is Kind.IF_THEN for i in block[max(0, position - LONGEST_IT) : position])
        if self._last[:2] != (index, runs) or pc != block[0].address or under_it:
            return pc
        pc = block[position].address
        self._timing.go_on_inside(pc)
        return pc

    def cycles(self, address: int) -> int:
        """The cycle counter as the access to `address` sees it, in the middle of its block."""
        position = self.position(address)
        if position is None:
            return self._timing.cycles
        index, _, _ = self._timing.current_block()
        return int(self._timing.cycles - self._timing.cycles_after(index, position))

    def _reaches(self, i: Instruction, address: int) -> bool:
        assert i.place is not None
        if i.place.base == cs_arm.ARM_REG_PC:
            low = (i.address + 4 & ~3) + i.place.offset
        else:
            low = self._register(i.place.base) + i.place.offset
            if i.place.index:
                low += self._register(i.place.index) << i.place.shift
        many = i.kind in (Kind.LOAD_MANY, Kind.STORE_MANY)
        distance = (address - low + (MANY if many else 0)) & 0xFFFFFFFF
        return distance < (2 * MANY if many else DOUBLE if i.alone else WORD)

    def _register(self, number: int) -> int:
        """Capstone and unicorn number the core registers alike."""
        return int(self._machine.reg_read(number))


assert (cs_arm.ARM_REG_R0, cs_arm.ARM_REG_SP) == (arm.UC_ARM_REG_R0, arm.UC_ARM_REG_SP)
