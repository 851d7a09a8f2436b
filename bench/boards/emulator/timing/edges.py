"""The cost of entering a basic block from another: the difference of two schedules.

So pairing and stalls across the boundary count where they happen.
"""

from __future__ import annotations

from bench.boards.emulator.timing.instruction import Instruction
from bench.boards.emulator.timing.parameters import Parameters
from bench.boards.emulator.timing.scoreboard import schedule

Block = list[Instruction]


def edge_cycles(previous: Block | None, current: Block, taken: bool, parameters: Parameters) -> float:
    """Cycles that `current` adds after `previous` (None: after reset); after itself, in its steady state."""
    if previous is None:
        return schedule([current], parameters) + 1
    if previous is current:
        three, four = ([current] * 3, [current] * 4) if taken else ([current * 3], [current * 4])
        return schedule(four, parameters) - schedule(three, parameters)
    whole = [previous, current] if taken else [previous + current]
    return schedule(whole, parameters) - schedule([previous], parameters)
