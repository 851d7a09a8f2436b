"""Exceptions that unicorn leaves to its user: SysTick, SVC, PendSV, software-pended interrupts (ARMv7-M B1.5).

They are taken between basic blocks. Floating-point registers are kept here instead of on the program's stack.
"""

from __future__ import annotations

import struct

import unicorn as uc
from unicorn import arm_const as arm

from bench.boards.emulator.core import SystemControl
from bench.boards.emulator.dma import Memory
from bench.boards.emulator.timing.native import TimingModel

SVC, SYSTICK = 11, 15
ENTRY_CYCLES = EXIT_CYCLES = 12
THREAD = 256  # below every priority
FRAME = [
    arm.UC_ARM_REG_R0,
    arm.UC_ARM_REG_R1,
    arm.UC_ARM_REG_R2,
    arm.UC_ARM_REG_R3,
    arm.UC_ARM_REG_R12,
    arm.UC_ARM_REG_LR,
]
FLOAT = [getattr(arm, f"UC_ARM_REG_D{n}") for n in range(16)] + [arm.UC_ARM_REG_FPSCR]
RETURN_TO_HANDLER, RETURN_TO_MSP, RETURN_TO_PSP = 0xFFFFFFF1, 0xFFFFFFF9, 0xFFFFFFFD
RECHECK = 200  # cycles after which a masked interrupt is looked at again


class Exceptions:
    """What is pending and active, and the passage into a handler and back."""

    def __init__(self, machine: uc.Uc, memory: Memory, system: SystemControl, timing: TimingModel) -> None:
        self._uc, self._memory, self._system, self._timing = machine, memory, system, timing
        self._active: list[int] = []
        self._float: dict[int, list[int]] = {}  # frame address -> registers

    def alarm(self) -> int | None:
        """The cycle at which the next look is due, or None."""
        times = [time for time in (self._system.next_tick(),) if time is not None]
        if self._system.pending:
            times.append(self._timing.cycles + RECHECK)
        return min(times, default=None)

    def take(self, pc: int) -> int:
        """The address to go on at: `pc`, or the handler of the exception that is due."""
        if self._system.tick_passed():
            self._system.pending.add(SYSTICK)
        ready = [
            n for n in self._system.pending if self._system.enabled(n) and self._priority(n) < self._current_priority()
        ]
        if not ready:
            return pc
        number = min(ready, key=lambda n: (self._priority(n), n))
        self._system.pending.discard(number)
        return self.enter(number, pc)

    def sleep(self) -> bool:
        """Lets time pass until the next SysTick interrupt; False when nothing would wake the processor."""
        tick = self._system.next_tick()
        if tick is not None:
            self._timing.spend(max(0, tick - self._timing.cycles))
        return tick is not None or bool(self._system.pending)

    def enter(self, number: int, pc: int) -> int:
        """Stacks the frame and returns the handler's address (0: the vector table has none)."""
        control = self._uc.reg_read(arm.UC_ARM_REG_CONTROL)
        process = bool(control & 2) and not self._active
        stack = self._uc.reg_read(arm.UC_ARM_REG_SP)
        pad = stack >> 2 & 1
        frame = stack - 32 - 4 * pad
        status = self._uc.reg_read(arm.UC_ARM_REG_XPSR) | pad << 9
        self._memory.store(frame, struct.pack("<8I", *self._uc.reg_read_batch(FRAME), pc & ~1, status))
        self._float[frame] = list(self._uc.reg_read_batch(FLOAT))
        self._uc.reg_write(arm.UC_ARM_REG_SP, frame)
        if process:
            self._uc.reg_write(arm.UC_ARM_REG_CONTROL, control & ~2)
        back = RETURN_TO_HANDLER if self._active else RETURN_TO_PSP if process else RETURN_TO_MSP
        self._uc.reg_write(arm.UC_ARM_REG_LR, back)
        self._uc.reg_write(arm.UC_ARM_REG_IPSR, number)
        self._active.append(number)
        self._timing.spend(ENTRY_CYCLES)
        vector = self._system.values[SystemControl.VTOR] + 4 * number
        return int.from_bytes(self._memory.load(vector, 4), "little")

    def leave(self, code: int) -> int | None:
        """Unstacks the frame that EXC_RETURN `code` names; the address to go on at, or None outside a handler."""
        if not self._active:
            return None
        self._active.pop()
        self._uc.reg_write(arm.UC_ARM_REG_IPSR, self._active[-1] if self._active else 0)
        if code & 4:
            self._uc.reg_write(arm.UC_ARM_REG_CONTROL, self._uc.reg_read(arm.UC_ARM_REG_CONTROL) | 2)
        frame = self._uc.reg_read(arm.UC_ARM_REG_SP)
        *values, pc, status = struct.unpack("<8I", self._memory.load(frame, 32))
        for register, value in zip(FRAME, values, strict=True):
            self._uc.reg_write(register, value)
        for register, value in zip(FLOAT, self._float.pop(frame, []), strict=False):
            self._uc.reg_write(register, value)
        self._uc.reg_write(arm.UC_ARM_REG_XPSR, status & ~(0x1FF | 1 << 9) | (self._active[-1] if self._active else 0))
        self._uc.reg_write(arm.UC_ARM_REG_SP, frame + 32 + 4 * (status >> 9 & 1))
        self._timing.spend(EXIT_CYCLES)
        return int(pc) | 1

    def _current_priority(self) -> int:
        if self._uc.reg_read(arm.UC_ARM_REG_PRIMASK) & 1 or self._uc.reg_read(arm.UC_ARM_REG_FAULTMASK) & 1:
            return -1
        base = self._uc.reg_read(arm.UC_ARM_REG_BASEPRI)
        return min([THREAD, *(self._priority(n) for n in self._active), *([base] if base else [])])

    def _priority(self, number: int) -> int:
        """The exception's priority byte: SHPR for the core's own, IPR for interrupts; smaller comes first."""
        offset = 0xD18 + number - 4 if number < 16 else 0x400 + number - 16
        return self._system.values.get(offset & ~3, 0) >> 8 * (offset & 3) & 0xF0
