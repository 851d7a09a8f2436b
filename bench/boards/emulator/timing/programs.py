"""Hands slices.follow()'s findings to data.h."""

from __future__ import annotations

import ctypes as c
from typing import Any

from unicorn import arm_const as arm

from bench.boards.emulator.timing.addresses import MASK
from bench.boards.emulator.timing.slices import follow
from bench.boards.emulator.timing.structures import NativeAccess, NativeStep, Program, State

REGISTERS = (*range(arm.UC_ARM_REG_R0, arm.UC_ARM_REG_R12 + 1), arm.UC_ARM_REG_SP, arm.UC_ARM_REG_LR)  # by slot


class Programs:
    """The data accesses of all blocks, kept for the native side."""

    def __init__(self, state: State) -> None:
        self._slots = c.addressof(state) + State.slot.offset
        self._kept: list[tuple[object, ...]] = []

    def add(self, block: list[Any], start: int) -> c._Pointer[Program] | None:
        """What a block of decode.disassemble()'s instructions at `start` accesses; None if nothing."""
        found = follow(block, start)
        if not found.accesses and not found.unknown:
            return None
        needed, registers = found.needed()
        steps = (NativeStep * len(needed))()
        for step, s in zip(steps, needed, strict=True):
            step.op, step.to, step.a, step.b, step.value = s.op, s.to, s.a, s.b, s.value
            step.shift, step.amount, step.size = s.shift, s.amount, s.size
        accesses = (NativeAccess * len(found.accesses))()
        for access, a in zip(accesses, found.accesses, strict=True):
            access.first, access.last, access.slot, access.write = a.low & MASK, a.high - a.low - 1, a.slot, a.write
            access.offset, access.count, access.align = a.offset, a.count, a.align
        program = Program(len(steps), len(accesses), found.unknown, len(registers), step=steps, access=accesses)
        for n, slot in enumerate(sorted(registers)):
            program.number[n], program.target[n] = REGISTERS[slot], self._slots + 4 * slot
        self._kept.append((program, steps, accesses))
        return c.pointer(program)
