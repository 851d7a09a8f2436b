"""Cycles by function."""

from __future__ import annotations

from dataclasses import dataclass

from bench.boards.emulator.machine import Machine


@dataclass(frozen=True)
class Row:
    """One function: cycles and instructions spent in its own code, share of all cycles (0..1)."""

    symbol: str
    cycles: int
    instructions: int
    share: float


def profile(machine: Machine) -> list[Row]:
    """Every function that ran, the most expensive first."""
    sums: dict[str, tuple[float, int]] = {}
    for address, instructions, cycles in machine.timing.blocks():
        symbol = machine.image.symbols.at(address)
        before = sums.get(symbol, (0.0, 0))
        sums[symbol] = (before[0] + cycles, before[1] + instructions)
    total = sum(cycles for cycles, _ in sums.values()) or 1.0
    rows = [Row(name, round(cycles), instructions, cycles / total) for name, (cycles, instructions) in sums.items()]
    return sorted(rows, key=lambda row: (-row.cycles, row.symbol))
