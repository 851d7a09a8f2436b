"""When results can be used: early and late ALU, loads, multiplier.

Sources: LLVM's ARMScheduleM7.td (stages EX1 to EX4, latencies of loads, products and divisions), jnk0le's Cortex-M7
microbenchmarks (a word just loaded beside an operand for the early stage; what reaches multiplier and sum when).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.boards.emulator.timing.instruction import Instruction, Kind

Times = tuple[int, int, int]


@dataclass
class Latencies:
    """For every register the first cycle in which a late ALU, an early ALU (a stage before; also addresses) and the
    multiplier can read it.
    """

    late: dict[int, int] = field(default_factory=dict)
    early: dict[int, int] = field(default_factory=dict)
    multiplier: dict[int, int] = field(default_factory=dict)
    flags: int = 0

    def need(self, i: Instruction) -> int:
        """The first cycle in which the operands of `i` are there."""
        late, early, multiplier = self.late.get, self.early.get, self.multiplier.get
        times = [early(r, 0) for r in i.early] + [late(r, 0) for r in i.late]
        times += [multiplier(r, 0) for r in i.multiplied | i.beside_early]
        times += [late(r, 0) - 2 for r in i.stored]  # anything can be stored in the cycle of its result
        if i.kind is Kind.MAC:
            times += [late(r, 0) - 1 for r in i.accumulated]  # sums are added a stage after the ALU
        if i.reads_flags and not i.branch:
            times.append(self.flags)
        return max(times, default=0)

    def issue(self, i: Instruction, time: int, second: bool) -> None:
        """Records the results of `i`, issued at `time` in the first or second slot."""
        late, early, multiplier = self._ready(i, time, second)
        for r in i.writes:
            self.late[r], self.early[r], self.multiplier[r] = late, early, multiplier
        for r in i.updates:
            self.late[r], self.early[r], self.multiplier[r] = time, time + 1, time + 1
        if i.sets_flags:
            self.flags = time + 1

    def _ready(self, i: Instruction, time: int, second: bool) -> Times:
        if i.simple and (not second or i.shift) and max((self.early.get(r, 0) for r in i.late), default=0) <= time:
            return time, time + 1, time  # in the early ALU: a late one can use it in the same cycle
        if i.early_source:
            return time, time + 2, time
        if i.kind is Kind.LOAD:
            late = time + 1 + i.narrow  # bytes and halfwords are aligned and extended a stage later
            return late, late + 1, time + 2
        latency = {Kind.MAC: 2, Kind.LOAD_TWO: i.cycles + 1, Kind.LOAD_MANY: i.cycles, Kind.DIVIDE: i.cycles}
        late = time + (i.latency if i.kind is Kind.FLOAT else latency.get(i.kind, 2 if i.slow_result else 1))
        return late, late + (i.kind is not Kind.LOAD_TWO), late
