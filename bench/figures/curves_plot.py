"""Methods along a clock, a rate or a loss: panels per data set, a curve per method, the paper's points hollow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from bench.figures import style
from bench.figures.rows import spread
from bench.results import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Curves: TypeAlias = dict[str, list[tuple[float, Row]]]  # by method, in the order of the axis


@dataclass(frozen=True)
class Panel:
    """metric against the condition `axis`, where the conditions `where` hold.

    ticks: of that axis, value -> what a reader sees; log: which axes are logarithmic.
    """

    metric: str
    label: str
    axis: str
    name: str
    where: Mapping[str, str] = field(default_factory=dict)
    title: str = ""
    ticks: Mapping[float, str] = field(default_factory=dict)
    log: str = "xy"

    def curves(self, rows: Sequence[Row]) -> Curves:
        found: Curves = {}
        for row in rows:
            known = row.where
            if (
                row.metric == self.metric
                and {*known} == {self.axis, *self.where}
                and self.where.items() <= known.items()
            ):
                found.setdefault(row.method, []).append((float(known[self.axis]), row))
        return {method: sorted(found[method], key=lambda point: point[0]) for method in sorted(found, key=style.rank)}


RATES = {kbps: style.rate(kbps) for kbps in (50.0, 270.0, 2e3, 6e3, 20e3)}  # ticks of the rate of a link
# draws more on a panel of one data set, in the methods' colours
Extra: TypeAlias = Callable[["Axes", Panel, Sequence[Row], Mapping[str, style.Colour]], None]


def draw(
    name: str, rows: Sequence[Row], folder: Path, panels: Sequence[Panel], caption: str, extra: Extra | None = None
) -> list[Path]:
    """Writes NAME.pdf and .png; nothing to draw -> no file."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.dataset, row.protocol), []).append(row)
    groups = {key: own for key, own in groups.items() if any(panel.curves(own) for panel in panels)}
    if not groups:
        return []
    palette = style.setup()
    from matplotlib import pyplot
    from matplotlib.lines import Line2D

    colours = style.method_colours([row.method for row in rows], palette)
    keys = sorted(groups, key=lambda key: (style.rank(key[0]), key[1]))
    figure, axes = pyplot.subplots(
        len(keys), len(panels), figsize=(7.2, 0.9 + 2.0 * len(keys)), squeeze=False, layout="constrained"
    )
    for of_dataset, key in zip(axes, keys, strict=True):
        for axis, panel in zip(of_dataset, panels, strict=True):
            _panel(axis, panel, panel.curves(groups[key]), colours)
            if extra:
                extra(axis, panel, groups[key], colours)
            if key == keys[-1]:
                axis.set_xlabel(panel.name)
        first = of_dataset[0].get_title(loc="left")
        between = ", " if len(of_dataset) < 3 else "\n"  # narrow panels: the data set on a line of its own
        of_dataset[0].set_title(
            between.join(filter(None, (style.heading(*key), style.caution(groups[key]), first))), loc="left"
        )
    handles = [
        Line2D([], [], color=colour, marker="o", markersize=3, label=style.title(method))
        for method, colour in colours.items()
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=min(6, len(handles)), frameon=False, fontsize=8)
    style.caption(figure, caption)
    return style.save(figure, folder, name)


def _panel(axis: Axes, panel: Panel, curves: Curves, colours: Mapping[str, style.Colour]) -> None:
    for which in panel.log:
        style.plain_log(axis, which)
    few = max((len(points) for points in curves.values()), default=0) <= 10
    for method, points in curves.items():
        x, y = [place for place, _ in points], [row.value for _, row in points]
        axis.plot(x, y, "o-" if few else "-", color=colours[method], linewidth=1.1, markersize=3)
        if all(row.ci_low is not None for _, row in points):
            low, high = zip(*(spread(row) for _, row in points), strict=True)
            axis.fill_between(x, low, high, color=colours[method], alpha=0.2, linewidth=0)
        theirs = [(place, row.paper_value) for place, row in points if row.paper_value is not None]
        for place, value in theirs:
            axis.plot(place, value, "o", markerfacecolor="white", color=colours[method], markersize=4.5, zorder=3)
    if panel.ticks:
        axis.set_xticks([*panel.ticks], [*panel.ticks.values()], fontsize=7)
    axis.set_ylabel(panel.label)
    axis.set_title(panel.title, loc="left")
    axis.grid(color="0.92")
