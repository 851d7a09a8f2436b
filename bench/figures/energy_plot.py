"""The drawing of fig_energy: bars by phase with bounds, and multiples of AgileNN's energy beside the paper's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from bench.figures import style
from bench.results import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PHASES = {
    "compute": "Device computes",
    "send": "Sending",
    "server": "Waiting for the server",
    "receive": "Receiving",
}
CAPTION = (
    "Left: processor and radio module alone, modelled from data sheets (216 MHz, 6 Mbps); whiskers: what they leave "
    "open. Right: multiples of AgileNN's energy; hollow: the paper's Figure 19, which counts a whole board."
)
Metrics: TypeAlias = dict[str, Row]


def draw(rows: Sequence[Row], folder: Path) -> list[Path]:
    """Writes fig_energy.pdf and .png; nothing to draw -> no file."""
    panels: dict[tuple[str, str], dict[str, Metrics]] = {}
    for row in rows:
        panels.setdefault((row.dataset, row.protocol), {}).setdefault(row.method, {})[row.metric] = row
    if not panels:
        return []
    colours = style.setup()
    from matplotlib import pyplot
    from matplotlib.patches import Patch

    ordered = sorted(panels, key=lambda key: (style.rank(key[0]), key[1]))
    heights = [0.4 + 0.3 * len(panels[key]) for key in ordered]
    figure, axes = pyplot.subplots(
        len(ordered), 2, figsize=(7.2, 1.1 + 1.25 * sum(heights)), squeeze=False, layout="constrained",
        gridspec_kw={"height_ratios": heights, "width_ratios": (1.7, 1)},
    )  # fmt: skip
    for (left, right), key in zip(axes, ordered, strict=True):
        methods = sorted(panels[key], key=style.rank)
        _bars(left, [panels[key][method] for method in methods], colours)
        _multiples(right, [panels[key][method] for method in methods], colours[3])
        for axis in (left, right):
            axis.set_yticks(range(len(methods)), [style.title(method) for method in methods])
            axis.set_ylim(len(methods) - 0.5, -0.5)
            axis.grid(visible=False, axis="y")
        right.tick_params(labelleft=False)
        left.set_title(style.heading(*key), loc="left")
    axes[-1][0].set_xlabel("Energy per inference (mJ)")
    axes[-1][1].set_xlabel("Multiple of AgileNN's")
    handles = [Patch(facecolor=colour, label=label) for colour, label in zip(colours, PHASES.values(), strict=False)]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(PHASES), frameon=False, fontsize=8)
    style.caption(figure, CAPTION)
    return style.save(figure, folder, "fig_energy")


def _bars(axis: Axes, methods: Sequence[Metrics], colours: list[tuple[float, float, float]]) -> None:
    longest = max(one["energy_high"].value for one in methods)
    for place, one in enumerate(methods):
        left = 0.0
        for phase, colour in zip(PHASES, colours, strict=False):
            row = one.get(f"energy_{phase}")
            if row:
                axis.barh(place, row.value, left=left, height=0.6, color=colour, linewidth=0)
                left += row.value
        low, value, high = (one[name].value for name in ("energy_low", "energy", "energy_high"))
        axis.errorbar(value, place, xerr=[[value - low], [high - value]], color="0.15", linewidth=0.8, capsize=2)
        words = f"{value:.3g} ({low:.3g} to {high:.3g})"
        axis.annotate(words, (high, place), (4, 0), textcoords="offset points", va="center", fontsize=7)
    axis.set_xlim(0, longest * 1.55)


def _multiples(axis: Axes, methods: Sequence[Metrics], colour: tuple[float, float, float]) -> None:
    axis.axvline(1, color="0.6", linewidth=0.8)
    style.plain_log(axis, "x")
    shown = [1.0]
    for place, one in enumerate(methods):
        row = one.get("energy_multiple")
        if row is None:
            continue
        axis.plot(row.value, place, "o", color=colour, markersize=5)
        axis.annotate(f"{row.value:.2g}", (row.value, place), (5, 3), textcoords="offset points", fontsize=7)
        shown.append(row.value)
        if row.paper_value is not None:
            axis.plot(row.paper_value, place, "o", markerfacecolor="white", color="0.4", markersize=5)
            shown.append(row.paper_value)
    axis.set_xlim(0.6 * min(shown), 2 * max(shown))
