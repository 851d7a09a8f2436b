"""`fig_deadline`: the accuracy that each method reaches within a deadline, at each rate."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.figures import curves_plot, style
from bench.figures.curves_plot import Panel
from bench.figures.operating_study import RATES, Sweep, sweep
from bench.results import Row

if TYPE_CHECKING:
    from bench.figures.operating import Operating
    from bench.figures.operating_rows import OperatingRows

DEADLINES = (20, 50, 100, 200)  # ms
TICKS = {kbps: style.rate(kbps) for kbps in (50.0, 270.0, 2e3, 20e3)}
PANELS = tuple(
    Panel(
        "accuracy_in_time", "Accuracy (%)" * (deadline == DEADLINES[0]), "bandwidth_kbps", "Rate (bits per second)",
        {"deadline_ms": f"{deadline}"}, f"{deadline} ms", TICKS, log="x",
    )
    for deadline in DEADLINES
)  # fmt: skip
CAPTION = (
    "Share of images whose right prediction is there within the deadline: accuracy on the test split times the share "
    "of the board's right predictions that are in time. 216 MHz; a late answer counts as none."
)


class FigDeadline(Sweep):
    name = "fig_deadline"
    claim = "accuracy within 20, 50, 100 and 200 ms at each rate: an answer that comes late counts as none"
    minutes = "5"

    def rows_of(self, makers: Sequence[OperatingRows]) -> list[list[Row]]:
        return [rows_of(maker, sweep()) for maker in makers]

    def table(self, rows: Sequence[Row]) -> str:
        """The paper's rates."""
        shown = {f"{rate / 1e3:.10g}" for rate in RATES}
        return super().table([row for row in rows if row.where.get("bandwidth_kbps", "6000") in shown])

    def draw(self, rows: Sequence[Row], folder: Path) -> list[Path]:
        return curves_plot.draw(self.name, rows, folder, PANELS, CAPTION)


def rows_of(maker: OperatingRows, rates: Sequence[float]) -> list[Row]:
    """Accuracy in time, in percent, at each deadline and rate; accuracy without a deadline once."""
    from bench.link import Link

    made = [maker.accuracy()]
    for rate in rates:
        times = maker.operating.total_ms(Link(rate))
        for deadline in DEADLINES:
            at: dict[str, Any] = {"bandwidth_kbps": rate / 1e3, "deadline_ms": deadline}
            value = in_time(maker.operating, times, deadline)
            made.append(maker.row("accuracy_in_time", value, "percent", "mixed", **at))
    return made


def in_time(operating: Operating, times: np.ndarray, deadline: float) -> float:
    """Percent. times: ms of each image that the board ran."""
    right = operating.correct
    share = float((times <= deadline)[right].mean()) if right.any() else 0.0
    return operating.accuracy.percent * share
