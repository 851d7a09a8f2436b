"""In-order dual issue of a straight run of instructions: when each one leaves the issue stage.

Times are cycles. For every register the board keeps when its value can enter a late ALU, an early ALU (a stage before)
and the multiplier; for the flags, when they can be read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from bench.boards.emulator.timing.instruction import Instruction, Kind, Place
from bench.boards.emulator.timing.pairing import banks_known, can_pair
from bench.boards.emulator.timing.parameters import Parameters

FETCH_BYTES = 8  # the prefetch unit delivers 64 bits per cycle
FETCH_REACH = 64  # bytes after which the queue has filled and fetch no longer matters
STORE_BUFFER = 4
FLOAT_SUM = 3  # cycles from any floating-point result to the sum of a multiply-accumulate (jnk0le)
FLOAT_MAC_SHADOW = 3  # cycles after a floating-point multiply-accumulate in which its adder is taken (jnk0le)


@dataclass
class _Board:
    late: dict[int, int] = field(default_factory=dict)
    early: dict[int, int] = field(default_factory=dict)
    multiplier: dict[int, int] = field(default_factory=dict)
    sums: dict[int, int] = field(default_factory=dict)  # when a floating-point value can be added to
    flags: int = 0
    float_mac: int = -FLOAT_MAC_SHADOW  # the last floating-point multiply-accumulate
    stores: list[tuple[Place, int]] = field(default_factory=list)

    def need(self, i: Instruction, store_to_load: int) -> int:
        """The first cycle in which all operands are there."""
        late, early = self.late.get, self.early.get
        times = [early(r, 0) for r in i.early]
        times += [late(r, 0) for r in i.late]
        times += [self.multiplier.get(r, 0) for r in i.multiplied | i.beside_early]
        times += [self.sums.get(r, 0) if i.float_mac else late(r, 0) - 1 for r in i.accumulated]
        times += [late(r, 0) - 2 for r in i.stored]
        if i.float_waits:
            times.append(self.float_mac + FLOAT_MAC_SHADOW + 1)
        if i.reads_flags and not i.branch:
            times.append(self.flags)
        if i.kind is Kind.LOAD and i.place is not None and not i.place.index:
            overlap = [t for p, t in self.stores if p.base == i.place.base and abs(p.offset - i.place.offset) < 4]
            times += [t + store_to_load for t in overlap if store_to_load]
        return max(times, default=0)

    def second(self, i: Instruction, time: int) -> bool:
        """Whether a floating-point multiply-accumulate leaves room for `i` in the second slot."""
        return not i.float_port or time > self.float_mac + FLOAT_MAC_SHADOW

    def issue(self, i: Instruction, time: int, second: bool) -> None:
        """Records the results of `i`, issued at `time` in the first or second slot."""
        late, early = self._ready(i, time, second)
        multiplier = time + 2 if i.kind is Kind.LOAD else late
        for r in i.writes:
            self.late[r], self.early[r], self.multiplier[r] = late, early, multiplier
            self.sums[r] = time + i.cycles - 1 + FLOAT_SUM
        if i.float_mac:
            self.float_mac = time
        for r in i.updates:
            self.late[r], self.early[r], self.multiplier[r] = time, time + 1, time + 1
        if i.sets_flags:
            self.flags = time + 1
        if i.kind is Kind.STORE and i.place is not None and not i.place.index:
            self.stores = [*self.stores, (i.place, time)][-STORE_BUFFER:]
        changed = i.writes | i.updates
        if changed:  # an address that is no longer the same register's cannot be compared any more
            self.stores = [(place, t) for place, t in self.stores if place.base not in changed]

    def _ready(self, i: Instruction, time: int, second: bool) -> tuple[int, int]:
        """(late, early): when a late and an early consumer can use the results."""
        if i.simple and (not second or i.shift):
            in_time = max((self.early.get(r, 0) for r in i.late), default=0) <= time
            return (time, time + 1) if in_time else (time + 1, time + 2)
        if i.early_source:
            return time, time + 2
        if i.kind is Kind.LOAD:
            return (time + 2, time + 3) if i.narrow else (time + 1, time + 2)
        if i.kind is Kind.LOAD_MANY:
            return time + i.cycles, time + i.cycles + 1
        if i.kind is Kind.LOAD_TWO:
            return time + i.cycles + 1, time + i.cycles + 1
        if i.kind is Kind.FLOAT:
            return time + i.latency, time + i.latency + 1
        if i.kind is Kind.DIVIDE:
            return time + i.cycles, time + i.cycles + 1
        if i.kind is Kind.MAC or i.slow_result:
            return time + 2, time + 3
        return time + 1, time + 2


def schedule(runs: Iterable[list[Instruction]], parameters: Parameters) -> float:
    """Cycle of the last issue when `runs` follow each other, each entered from the one before by a taken branch.

    Includes the mean cost of load pairs whose banks are unknown, hence a float.
    """
    core = parameters.core
    board = _Board()
    now, conflicts, first = 0, 0.0, True
    partner: Instruction | None = None  # issued in this cycle's first slot, second slot free
    for run_index, run in enumerate(runs):
        fetch_start = now + 1 + core.taken_bubble if run_index else None
        fetch_base = run[0].address & ~(FETCH_BYTES - 1) if run else 0
        if run_index:
            partner = None
        for i in run:
            need = board.need(i, core.store_to_load)
            if fetch_start is not None:
                end = i.address + i.size - fetch_base
                need = max(need, fetch_start + max(0, (end - 1) // FETCH_BYTES) - core.fetch_ahead)
                if end > FETCH_REACH:
                    fetch_start = None
            second = False
            if first:
                time = need
            elif (
                partner is not None
                and need <= now
                and can_pair(partner, i, parameters.assumption)
                and board.second(i, now)
            ):
                time, second = now, True
                if partner.kind is Kind.LOAD and i.kind is Kind.LOAD and not banks_known(partner, i):
                    conflicts += core.bank_conflict
            else:
                time = max(now + 1, need)
            board.issue(i, time, second)
            now, first = time + i.cycles - 1, False
            partner = None if second or i.alone or i.cycles > 1 else i
    return now + conflicts
