"""In-order dual issue of a straight run of instructions: when each one leaves the issue stage.

Brings the effects together: latency, stores, floats and supply say when an instruction can issue, pairing and banks
whether two can in one cycle.
"""

from __future__ import annotations

from collections.abc import Iterable

from bench.boards.emulator.timing.banks import banks_known
from bench.boards.emulator.timing.floats import FloatUnit
from bench.boards.emulator.timing.instruction import Instruction, Kind
from bench.boards.emulator.timing.latency import Latencies
from bench.boards.emulator.timing.pairing import can_pair
from bench.boards.emulator.timing.parameters import Parameters
from bench.boards.emulator.timing.stores import StoreBuffer
from bench.boards.emulator.timing.supply import Supply


def schedule(runs: Iterable[list[Instruction]], parameters: Parameters) -> float:
    """Cycle of the last issue when `runs` follow each other, each entered from the one before by a taken branch.

    Includes the mean cost of load pairs whose banks are unknown, hence a float.
    """
    core = parameters.core
    latencies, stores, floats = Latencies(), StoreBuffer(core.store_to_load), FloatUnit()
    supply: Supply | None = None
    now, conflicts = -1, 0.0
    partner: Instruction | None = None  # issued in this cycle's first slot, second slot free
    for index, run in enumerate(runs):
        if index and run:
            supply, partner = Supply(core, run[0].address, now), None
        for i in run:
            time = max(latencies.need(i), stores.need(i), floats.need(i), supply.need(i) if supply else 0)
            second = False
            if partner is not None and time <= now and can_pair(partner, i, parameters.assumption):
                second = floats.second(i, now)
            if second and partner is not None:
                time = now
                both_load = partner.kind is Kind.LOAD and i.kind is Kind.LOAD
                conflicts += core.bank_conflict if both_load and not banks_known(partner, i) else 0
            else:
                time = max(now + 1, time)
            latencies.issue(i, time, second)
            stores.issue(i, time)
            floats.issue(i, time)
            now = time + i.cycles - 1
            partner = None if second or i.alone or i.cycles > 1 else i
    return now + conflicts
