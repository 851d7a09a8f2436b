"""`fig_grid`: which method is the fastest, and which the thriftiest, at each clock and rate."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.figures import grid_plot, style
from bench.figures.operating_study import CLOCKS, Sweep
from bench.results import Row

if TYPE_CHECKING:
    from bench.figures.operating_rows import OperatingRows

GRID = (50e3, 100e3, 270e3, 500e3, 1e6, 2e6, 6e6, 20e6)


class FigGrid(Sweep):
    name = "fig_grid"
    claim = "the fastest and the thriftiest method at each clock and rate, of those within 10 points of the best one"
    minutes = "5-15"
    clocks = CLOCKS

    def rows_of(self, makers: Sequence[OperatingRows]) -> list[list[Row]]:
        return [rows_of(maker, GRID) for maker in makers]

    def draw(self, rows: Sequence[Row], folder: Path) -> list[Path]:
        return grid_plot.draw(self.name, rows, folder)

    def table(self, rows: Sequence[Row]) -> str:
        """Winners, one line per data set, clock and metric."""
        lines = []
        for (dataset, protocol), cells in grid_plot.winners(rows).items():
            for metric, clock in dict.fromkeys((metric, clock) for metric, clock, _ in cells):
                of_line = sorted((rate, row) for (m, c, rate), row in cells.items() if (m, c) == (metric, clock))
                words = ", ".join(f"{rate:g} kbps {style.title(row.method)} {row.value:.3g}" for rate, row in of_line)
                unit = of_line[0][1].unit
                lines.append(f"{style.heading(dataset, protocol)}, {clock:g} MHz, least {metric} ({unit}): {words}")
        return "\n".join(lines)


def rows_of(maker: OperatingRows, rates: Sequence[float]) -> list[Row]:
    """Latency and energy at each rate; accuracy once."""
    from bench.link import Link

    made = []
    if maker.operating.clock_hz == CLOCKS[-1]:
        made.append(maker.accuracy())
    for rate in rates:
        at: dict[str, Any] = {"bandwidth_kbps": rate / 1e3, "cpu_mhz": maker.operating.clock_hz / 1e6}
        made.append(maker.latency(Link(rate), interval=False, **at))
        made += maker.energy(Link(rate), bounds=False, **at)
    return made
