"""A load waits for a store to the same word that is still in the store buffer.

Its length was fit to published silicon runs (calibration.json, core.store_to_load); only accesses through one unchanged
base register are compared.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.boards.emulator.timing.instruction import Instruction, Kind, Place

ENTRIES = 4  # stores that are remembered


@dataclass
class StoreBuffer:
    """stores: places and cycles of the last ones. stall: cycles from a store to a load of its word."""

    stall: int
    stores: list[tuple[Place, int]] = field(default_factory=list)

    def need(self, i: Instruction) -> int:
        """The first cycle in which `i` can load."""
        place = i.place
        if i.kind is not Kind.LOAD or place is None or place.index:
            return 0
        overlap = [t for p, t in self.stores if p.base == place.base and abs(p.offset - place.offset) < 4]
        return max((t + self.stall for t in overlap if self.stall), default=0)

    def issue(self, i: Instruction, time: int) -> None:
        if i.kind is Kind.STORE and i.place is not None and not i.place.index:
            self.stores = [*self.stores, (i.place, time)][-ENTRIES:]
        changed = i.writes | i.updates
        if changed:  # an address that is no longer the same register's cannot be compared any more
            self.stores = [(place, t) for place, t in self.stores if place.base not in changed]
