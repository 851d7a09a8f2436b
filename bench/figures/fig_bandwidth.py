"""`fig_bandwidth`: latency and energy from 50 kbps to 20 Mbps, and where one method overtakes another (Figure 23)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.figures import curves_plot, style
from bench.figures.curves_plot import Panel
from bench.figures.operating_study import RATES, Sweep, sweep
from bench.results import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bench.figures.operating_rows import OperatingRows

PANELS = (
    Panel("total", "Latency (ms)", "bandwidth_kbps", "Nominal rate (bits per second)", ticks=curves_plot.RATES),
    Panel("energy", "Energy (mJ)", "bandwidth_kbps", "Nominal rate (bits per second)", ticks=curves_plot.RATES),
)
CAPTION = (
    "216 MHz. Device time emulated, server time measured, link and energy modelled (the Wi-Fi module's currents at "
    "every rate). Dashed: SPINN as its scheduler would cut it at each rate, by its profile. Crosses: here another "
    "method becomes the fastest, whatever its accuracy. Hollow: the paper's Figure 23."
)


class FigBandwidth(Sweep):
    name = "fig_bandwidth"
    claim = "latency and energy from 50 kbps to 20 Mbps for all methods; the rates at which the fastest one changes"
    figure = "Figure 23"
    minutes = "5"

    def rows_of(self, makers: Sequence[OperatingRows]) -> list[list[Row]]:
        from bench.figures.crossing import crossings

        rates = sweep()
        made = [rows_of(maker, rates) for maker in makers]
        for before, after, rate in crossings([maker.operating for maker in makers], rates):
            by = makers[after].operating.case.key[1]
            made[before].append(makers[before].row("overtaken", rate / 1e3, "1", "mixed", by=by))
        return made

    def stale(self, row: Row, found: Sequence[Row]) -> bool:
        """Where the fastest method changes is known anew for every data set that was measured."""
        return row.metric == "overtaken" and (row.dataset, row.protocol) in {(r.dataset, r.protocol) for r in found}

    def draw(self, rows: Sequence[Row], folder: Path) -> list[Path]:
        return curves_plot.draw(self.name, rows, folder, PANELS, CAPTION, _more)

    def table(self, rows: Sequence[Row]) -> str:
        """The paper's rates, and where the fastest method changes."""
        shown = {f"{rate / 1e3:.10g}" for rate in RATES}
        overtaken = [
            f"{style.heading(row.dataset, row.protocol)}: {style.title(row.method)} is the fastest below "
            f"{row.value:.0f} kbps, then {style.title(row.where['by'])}, whatever their accuracies"
            for row in sorted(rows, key=lambda row: row.value) if row.metric == "overtaken"
        ]  # fmt: skip
        listed = [row for row in rows if row.where.get("bandwidth_kbps", "6000") in shown and "by" not in row.where]
        return "\n".join([super().table(listed), "", *overtaken]).rstrip()


def rows_of(maker: OperatingRows, rates: Sequence[float]) -> list[Row]:
    """Latency and energy at each rate; intervals, bounds and the paper's values at the paper's; accuracy once."""
    from bench.figures import rescheduled
    from bench.link import Link

    made = [maker.accuracy()]
    for rate in rates:
        link, at = Link(rate), dict[str, Any](bandwidth_kbps=rate / 1e3)
        made.append(maker.beside(maker.latency(link, rate in RATES, **at), maker.theirs("fig23", "total", **at)))
        made += maker.energy(link, bounds=rate in RATES, **at)
        made += rescheduled.rows_of(maker, link, **at)
    return made


def _more(axis: Axes, panel: Panel, rows: Sequence[Row], colours: Mapping[str, style.Colour]) -> None:
    """What a method that adapts itself would reach; on the panel of latencies, where the fastest one changes."""
    for method, points in replace(panel, metric=f"{panel.metric}_rescheduled").curves(rows).items():
        x, y = zip(*((place, row.value) for place, row in points), strict=True)
        axis.plot(x, y, "--", color=colours[method], linewidth=1.0)
    if panel.metric != "total":
        return
    import numpy as np

    curves = panel.curves(rows)
    for row in rows:
        if row.metric == "overtaken" and row.method in curves:
            x, y = zip(*((place, one.value) for place, one in curves[row.method]), strict=True)
            height = float(np.exp(np.interp(np.log(row.value), np.log(x), np.log(y))))
            axis.plot(row.value, height, "x", color="0.1", markersize=6, zorder=4)
            axis.annotate(style.rate(row.value), (row.value, height), (4, 4), textcoords="offset points", fontsize=6.5)
