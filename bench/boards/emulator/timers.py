"""Counters that programs read the time from, and random numbers that keep nobody waiting (RM0385 chapters 17 to 25)."""

from __future__ import annotations

from collections.abc import Callable

from bench.boards.emulator.clock import Rcc
from bench.boards.emulator.registers import Peripheral

WIDE = {2: 0x40000000, 5: 0x40000C00}  # timers with 32 bits
NARROW = {3: 0x40000400, 4: 0x40000800, 6: 0x40001000, 7: 0x40001400}


class Timer(Peripheral):
    """An up-counting timer on APB1: prescaler, reload, update flag. No interrupts, capture or compare."""

    CR1, SR, EGR, CNT, PSC, ARR = 0x00, 0x10, 0x14, 0x24, 0x28, 0x2C

    def __init__(self, base: int, bits: int, rcc: Rcc, cycles: Callable[[], int]) -> None:
        super().__init__(base)
        self._rcc, self._cycles = rcc, cycles
        self._held, self._started = 0, 0  # counts since the last stop, cycle of the last start
        self.values[self.ARR] = (1 << bits) - 1

    def _counts(self) -> int:
        """Counts since the counter was last set, overflows included."""
        if not self.values.get(self.CR1, 0) & 1:
            return self._held
        ticks = (self._cycles() - self._started) // self._rcc.timer_divider()
        return self._held + ticks // (self.values.get(self.PSC, 0) + 1)

    def read(self, offset: int) -> int:
        if offset == self.CNT:
            return self._counts() % (self.values[self.ARR] + 1)
        if offset == self.SR:
            return super().read(offset) | (self._counts() > self.values[self.ARR])
        return super().read(offset)

    def write(self, offset: int, value: int) -> None:
        counts = self._counts()
        if offset == self.SR:
            value &= self.read(offset)  # flags are cleared by writing zero
            counts %= self.values[self.ARR] + 1
        elif offset == self.CNT:
            counts = value
        elif offset == self.EGR:
            counts = 0
        self._held, self._started = counts, self._cycles()
        super().write(offset, value)


class RandomNumbers(Peripheral):
    """The random number generator: always ready, always the same sequence, so that runs repeat."""

    SR, DR = 0x04, 0x08

    def __init__(self) -> None:
        super().__init__(0x50060800)
        self._state = 1

    def read(self, offset: int) -> int:
        if offset == self.SR:
            return 1
        if offset == self.DR:
            self._state = (self._state * 1664525 + 1013904223) & 0xFFFFFFFF
            return self._state
        return super().read(offset)
