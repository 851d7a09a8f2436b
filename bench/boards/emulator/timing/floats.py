"""The floating-point unit's multiply-accumulate: what its sum waits for, and what it keeps others from.

Source: jnk0le's Cortex-M7 microbenchmarks, single precision; double precision is not in this chip.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.boards.emulator.timing.instruction import Instruction

SUM = 3  # cycles from any result or load to the sum of a multiply-accumulate
SHADOW = 3  # cycles after one in which VADD, VLDM and others wait, and VLDR, VSTR, VMOV find no room in the second slot


@dataclass
class FloatUnit:
    """sums: the first cycle in which a register can be added to; last: cycle of the last multiply-accumulate."""

    sums: dict[int, int] = field(default_factory=dict)
    last: int = -SHADOW - 1

    def need(self, i: Instruction) -> int:
        """The first cycle in which the unit takes `i`."""
        if i.float_waits:
            return self.last + SHADOW + 1
        return max((self.sums.get(r, 0) for r in i.accumulated), default=0) if i.float_mac else 0

    def second(self, i: Instruction, time: int) -> bool:
        """Whether `i` may take the second slot."""
        return not i.float_port or time > self.last + SHADOW

    def issue(self, i: Instruction, time: int) -> None:
        for r in i.writes:
            self.sums[r] = time + i.cycles - 1 + SUM
        if i.float_mac:
            self.last = time
