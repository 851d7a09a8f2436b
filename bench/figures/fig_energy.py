"""`fig_energy`: energy of one inference on the device, by phase, modelled (the paper's Figure 19)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.figures import energy_plot
from bench.figures.operating_study import Sweep
from bench.results import Row

if TYPE_CHECKING:
    from bench.figures.operating_rows import OperatingRows

REFERENCE = "agilenn"  # whose energy others are multiples of
NOTE = (
    "Energy is of two chips, processor and radio module, by data sheets. The paper's energy over its latency is 1.7\n"
    "to 2.9 W, a whole board with display and regulators: only multiples of AgileNN's energy can be compared."
)


class FigEnergy(Sweep):
    name = "fig_energy"
    claim = "energy of one inference, by phase, from supply currents in data sheets, with bounds"
    figure = "Figure 19"
    minutes = "5"

    def rows_of(self, makers: Sequence[OperatingRows]) -> list[list[Row]]:
        reference = next((maker for maker in makers if maker.operating.case.key[1] == REFERENCE), None)
        return [rows_of(maker, reference) for maker in makers]

    def draw(self, rows: Sequence[Row], folder: Path) -> list[Path]:
        return energy_plot.draw(rows, folder)

    def table(self, rows: Sequence[Row]) -> str:
        return super().table(rows) + "\n\n" + NOTE


def rows_of(maker: OperatingRows, reference: OperatingRows | None) -> list[Row]:
    """Accuracy, energy with its bounds and phases; its multiple of AgileNN's where that is here."""
    from bench.figures.operating import RATE
    from bench.link import Link

    one, link = maker.operating, Link(RATE)
    at: dict[str, Any] = {"bandwidth_kbps": RATE / 1e3, "cpu_mhz": one.clock_hz / 1e6}
    theirs = maker.theirs("fig19", "energy")
    energy, *bounds = maker.energy(link, **at)
    parts = one.energy_mj(link).items()
    made = [
        maker.accuracy(**at),
        maker.latency(link, **at),
        maker.beside(energy, theirs, same_boundary=False),
        *bounds,
        *(maker.row(f"energy_{phase}", part.typical, "mJ", "modelled", **at) for phase, part in parts),
    ]
    if reference and reference is not maker:
        own = reference.energy(link)[0].value
        their_base = reference.theirs("fig19", "energy")
        multiple = maker.row("energy_multiple", energy.value / own, "ratio", "modelled", **at)
        made.append(maker.beside(multiple, theirs / their_base if theirs and their_base else None))
    return made
