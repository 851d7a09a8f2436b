"""The drawing of fig_grid: clock x rate, each cell in the colour of its winner."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from bench.figures import style
from bench.results import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

METRICS = {"total": "Fastest (ms)", "energy": "Thriftiest (mJ)"}
MARGIN = 10.0  # points of accuracy below the best one: the paper's own rule for who is compared
CAPTION = (
    "Colour: the method with the lowest latency (left) or energy (right), of those whose accuracy is within 10 points "
    "of the best one's; number: its milliseconds or millijoules. Device emulated at each clock, server measured, link "
    "and energy modelled."
)
Cells: TypeAlias = dict[tuple[str, float, float], Row]  # metric, MHz, kbps -> the winner's row


def winners(rows: Sequence[Row]) -> dict[tuple[str, str], Cells]:
    """By data set and protocol."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.dataset, row.protocol), []).append(row)
    found = {}
    for key in sorted(groups, key=lambda key: (style.rank(key[0]), key[1])):
        reached = {row.method: row.value for row in groups[key] if row.metric in ("accuracy", "accuracy_sample")}
        near = {method for method, value in reached.items() if value >= max(reached.values()) - MARGIN}
        cells: Cells = {}
        for row in groups[key]:
            known = row.where
            if row.metric in METRICS and row.method in near:
                cell = (row.metric, float(known["cpu_mhz"]), float(known["bandwidth_kbps"]))
                if cell not in cells or row.value < cells[cell].value:
                    cells[cell] = row
        if cells:
            found[key] = cells
    return found


def draw(name: str, rows: Sequence[Row], folder: Path) -> list[Path]:
    """Writes NAME.pdf and .png; nothing to draw -> no file."""
    won = winners(rows)
    if not won:
        return []
    palette = style.setup()
    from matplotlib import pyplot
    from matplotlib.patches import Patch

    colours = style.method_colours([row.method for row in rows], palette)
    figure, axes = pyplot.subplots(
        len(won), 2, figsize=(7.2, 1.0 + 1.15 * len(won)), squeeze=False, layout="constrained", sharey=True
    )
    for of_dataset, (key, cells) in zip(axes, won.items(), strict=True):
        for axis, (metric, label) in zip(of_dataset, METRICS.items(), strict=True):
            _cells(axis, {place[1:]: row for place, row in cells.items() if place[0] == metric}, colours)
            axis.set_title(f"{style.heading(*key)}: {label}", loc="left", fontsize=8)
        of_dataset[0].set_ylabel("Clock (MHz)")
    for axis in axes[-1]:
        axis.set_xlabel("Nominal rate (bits per second)")
    shown = {row.method for cells in won.values() for row in cells.values()}
    handles = [Patch(facecolor=colour, label=style.title(m)) for m, colour in colours.items() if m in shown]
    figure.legend(handles=handles, loc="outside upper center", ncols=min(6, len(handles)), frameon=False, fontsize=8)
    style.caption(figure, CAPTION)
    return style.save(figure, folder, name)


def _cells(axis: Axes, cells: dict[tuple[float, float], Row], colours: dict[str, style.Colour]) -> None:
    clocks, rates = sorted({clock for clock, _ in cells}), sorted({rate for _, rate in cells})
    for (clock, rate), row in cells.items():
        x, y = rates.index(rate), clocks.index(clock)
        colour = tuple(0.6 * channel + 0.4 for channel in colours[row.method])
        axis.barh(y, 0.96, left=x - 0.48, height=0.92, color=colour, linewidth=0)
        axis.text(x, y, _short(row.value), ha="center", va="center", fontsize=6.5)
    axis.set_xticks(range(len(rates)), [style.rate(rate) for rate in rates], fontsize=6.5)
    axis.set_yticks(range(len(clocks)), [f"{clock:g}" for clock in clocks], fontsize=7)
    axis.grid(visible=False)
    axis.set_xlim(-0.5, len(rates) - 0.5)
    axis.set_ylim(-0.5, len(clocks) - 0.5)


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}" if value >= 1 else f"{value:.2f}".lstrip("0")
