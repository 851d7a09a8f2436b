"""Fetch supply: after a taken branch the queue is empty and fills by 64 bits in every cycle (TRM: prefetch unit)."""

from __future__ import annotations

from bench.boards.emulator.timing.instruction import Instruction
from bench.boards.emulator.timing.parameters import Core

BYTES = 8  # delivered in one cycle, aligned
REACH = 64  # bytes after which the queue has filled and fetch no longer matters


class Supply:
    """Code that is entered at `address` by a branch in cycle `now`."""

    def __init__(self, core: Core, address: int, now: int) -> None:
        self._base, self._start = address & ~(BYTES - 1), now + 1 + core.taken_bubble - core.fetch_ahead

    def need(self, i: Instruction) -> int:
        """The first cycle in which `i` is there."""
        last = i.address + i.size - 1 - self._base
        return 0 if last >= REACH + BYTES else self._start + last // BYTES
