"""`fig_cpu`: latency and energy at 64, 128 and 216 MHz (the paper's Figure 22)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.figures import curves_plot
from bench.figures.curves_plot import Panel
from bench.figures.operating_study import CLOCKS, Sweep
from bench.results import Row

if TYPE_CHECKING:
    from bench.figures.operating_rows import OperatingRows

TICKS = {clock / 1e6: f"{clock / 1e6:g}" for clock in CLOCKS}
PANELS = (
    Panel("total", "Latency (ms)", "cpu_mhz", "Processor clock (MHz)", ticks=TICKS),
    Panel("energy", "Energy (mJ)", "cpu_mhz", "Processor clock (MHz)", ticks=TICKS),
)
CAPTION = (
    "6 Mbps. Each clock is a firmware of its own with that clock's flash wait states, emulated; link, energy modelled. "
    "Band: 95 % over images. Hollow: the paper's Figure 22, whose points are its 216 MHz times scaled by 1 / clock."
)


class FigCpu(Sweep):
    name = "fig_cpu"
    claim = "latency and energy at 64, 128 and 216 MHz: each firmware re-clocked and run, not scaled"
    figure = "Figure 22"
    minutes = "5-15"
    clocks = CLOCKS

    def rows_of(self, makers: Sequence[OperatingRows]) -> list[list[Row]]:
        return [rows_of(maker) for maker in makers]

    def draw(self, rows: Sequence[Row], folder: Path) -> list[Path]:
        return curves_plot.draw(self.name, rows, folder, PANELS, CAPTION)


def rows_of(maker: OperatingRows) -> list[Row]:
    """Latency, device time and cycles, energy; accuracy once, at the highest clock."""
    from bench.figures.operating import CLOCK, RATE
    from bench.link import Link

    one, link = maker.operating, Link(RATE)
    at: dict[str, Any] = {"cpu_mhz": one.clock_hz / 1e6}
    compute = float(one.compute_ms.mean())
    return [
        *([maker.accuracy()] if one.clock_hz == CLOCK else []),
        maker.beside(maker.latency(link, **at), maker.theirs("fig22", "total", **at)),
        maker.row("device", compute, "ms", "emulated", **at),
        maker.row("device_cycles", compute * one.clock_hz / 1e3, "1", "emulated", **at),
        *maker.energy(link, **at),
    ]
