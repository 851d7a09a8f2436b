"""The drawing of fig_convergence: per data set accuracy and loss over the epochs, and seconds per epoch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.figures import style
from bench.results import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CURVES = {"accuracy": "Validation accuracy (%)", "loss": "Validation loss"}
CAPTION = (
    "Edge-only is the regular network: one classifier of whole images. Its server network may be another one.\n"
    "Loss: cross-entropy of the prediction; of Edge-only on CIFAR-10 and digits of smoothed labels (never below .5).\n"
    "Bars: CPU seconds per epoch over all cores, and the ratio to the regular network (the paper: 3 to 4, wall clock\n"
    "on a GPU). Dotted: the paper's end after 200 epochs, test images (Fig. 15)."
)
Panel = dict[str, list[Row]]  # rows by method


def draw(rows: Sequence[Row], folder: Path) -> list[Path]:
    """Writes fig_convergence.pdf and .png: three panels per data set and protocol; nothing to draw -> no file."""
    panels: dict[tuple[str, str], Panel] = {}
    for row in rows:
        panels.setdefault((row.dataset, row.protocol), {}).setdefault(row.method, []).append(row)
    if not panels:
        return []
    colours = style.setup()
    from matplotlib import pyplot
    from matplotlib.lines import Line2D

    methods = sorted({row.method for row in rows})
    colour = {method: colours[i % len(colours)] for i, method in enumerate(methods)}
    count = len(panels)
    figure, axes = pyplot.subplots(count, 3, figsize=(7.2, 1.0 + 1.8 * count), squeeze=False, layout="constrained")
    for line, (key, found) in zip(axes, sorted(panels.items()), strict=True):
        for axis, (metric, label) in zip(line, CURVES.items(), strict=False):
            _curves(axis, found, metric, colour)
            axis.set_ylabel(label)
            axis.grid(color="0.92")
            axis.set_xlabel("Epoch")
        _bars(line[2], found, colour)
        line[0].set_title(style.heading(*key), loc="left")
    lines = [Line2D([], [], color=colour[method], label=style.title(method)) for method in methods]
    figure.legend(handles=lines, loc="outside upper center", ncols=4, frameon=False, fontsize=8)
    figure.supxlabel(CAPTION, fontsize=6.5, color="0.3")
    return style.save(figure, folder, "fig_convergence")


def _curves(axis: Axes, found: Panel, metric: str, colour: dict[str, tuple[float, float, float]]) -> None:
    for method, rows in sorted(found.items()):
        curve = sorted((int(row.where["epoch"]), row.value) for row in rows if row.metric == metric)
        axis.plot([epoch for epoch, _ in curve], [value for _, value in curve], color=colour[method], linewidth=1.2)
        for row in rows:
            if row.metric == f"final_{metric}" and row.paper_value is not None:
                axis.axhline(row.paper_value, color=colour[method], linestyle=":", linewidth=1)


def _bars(axis: Axes, found: Panel, colour: dict[str, tuple[float, float, float]]) -> None:
    methods = sorted(found, reverse=True)
    for place, method in enumerate(methods):
        one = {row.metric: row.value for row in found[method] if not row.conditions}
        if "cpu_seconds_per_epoch" not in one:
            continue
        axis.barh(place, one["cpu_seconds_per_epoch"], color=colour[method], height=0.6)
        if "cost_ratio_to_regular" in one:
            words = f"{one['cost_ratio_to_regular']:.1f}x"
            axis.annotate(
                words,
                (one["cpu_seconds_per_epoch"], place),
                (3, 0),
                textcoords="offset points",
                va="center",
                fontsize=7,
            )
    axis.set_yticks(range(len(methods)), [style.title(method) for method in methods], fontsize=7)
    axis.set_ylim(-0.6, len(methods) - 0.4)
    axis.margins(x=0.2)
    axis.set_xlabel("CPU seconds per epoch")
    axis.grid(visible=False, axis="y")
