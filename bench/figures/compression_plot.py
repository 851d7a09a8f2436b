"""The drawing of fig_compression: accuracy against bytes per image; the paper's curves beside it, on their own axis."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from bench.figures import style
from bench.figures.rows import spread
from bench.paper import published
from bench.results import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PUBLISHED = "fig17"
CAPTION = (
    "Left: payload per image and accuracy on the same test images, with 95 % intervals; every point is a trained or a "
    "coded one, lines only join them. Edge-only: the whole frame under JPEG of several qualities, without loss, and (a "
    "star) as deployed. Right: the paper's Figure 17; what its rate divides by what is not stated."
)
Point: TypeAlias = tuple[Row, Row, bool]  # bytes, accuracy, whether under the deployment's own coder


def draw(rows: Sequence[Row], folder: Path) -> list[Path]:
    """Writes fig_compression.pdf and .png; nothing to draw -> no file."""
    panels: dict[tuple[str, str], dict[str, list[Point]]] = {}
    accuracies = {row.key[:5]: row for row in rows if row.metric == "accuracy"}
    for row in rows:
        if row.metric == "payload_up" and (accuracy := accuracies.get(row.key[:5])):
            curves = panels.setdefault((row.dataset, row.protocol), {})
            curves.setdefault(row.method.partition(":")[0], []).append((row, accuracy, not row.conditions))
    if not panels:
        return []
    colours = style.setup()
    from matplotlib import pyplot

    ordered = sorted(panels, key=lambda key: (key[1], style.rank(key[0])))
    columns = 2 if any(points(dataset) for dataset, _ in ordered) else 1
    figure, axes = pyplot.subplots(
        len(ordered), columns, figsize=(7.2, 0.8 + 2.2 * len(ordered)), squeeze=False, layout="constrained",
        width_ratios=(1.6, 1)[:columns],
    )  # fmt: skip
    for line, key in zip(axes, ordered, strict=True):
        for number, method in enumerate(sorted(panels[key], key=style.rank)):
            _curve(line[0], panels[key][method], colours[number], style.title(method))
        style.plain_log(line[0], "x")
        sizes = [size.value for found in panels[key].values() for size, _, _ in found]
        line[0].set_xlim(min(sizes) / 1.3, max(sizes) * 1.3)
        line[0].set_title(style.heading(*key), loc="left")
        line[0].set_ylabel("Accuracy (%)")
        line[0].legend(frameon=False, fontsize=6.5)
        for axis in line[1:]:
            _published(axis, key[0], colours)
    for axis, label in zip(axes[-1], ("Bytes per image", "The paper's compression rate"), strict=False):
        axis.set_xlabel(label)
    style.caption(figure, CAPTION)
    return style.save(figure, folder, "fig_compression")


def _curve(axis: Axes, found: Sequence[Point], colour: tuple[float, float, float], label: str) -> None:
    ordered = sorted(found, key=lambda point: point[0].value)
    x, y = [size.value for size, _, _ in ordered], [accuracy.value for _, accuracy, _ in ordered]
    low, high = zip(*(spread(accuracy) for _, accuracy, _ in ordered), strict=True)
    errors = [[v - b for v, b in zip(y, low, strict=True)], [t - v for v, t in zip(y, high, strict=True)]]
    axis.errorbar(x, y, errors, color=colour, label=label, marker="o", markersize=3, linewidth=0.9, elinewidth=0.6)
    own = [(size.value, accuracy.value) for size, accuracy, own in ordered if own]
    if len(found) > len(own):
        axis.plot(*zip(*own, strict=True), linestyle="", marker="*", markersize=9, color=colour)


def _published(axis: Axes, dataset: str, colours: Sequence[tuple[float, float, float]]) -> None:
    curves = points(dataset)
    if not curves:
        axis.set_axis_off()
        return
    for method, found in curves.items():
        axis.plot(
            *zip(*found, strict=True), color=colours[list(curves).index(method)], linestyle="--", marker="o",
            markersize=3, markerfacecolor="none", linewidth=0.9, label=style.title(method),
        )  # fmt: skip
    axis.legend(frameon=False, fontsize=6.5)


def points(dataset: str) -> dict[str, list[tuple[float, float]]]:
    """Method -> (compression rate, accuracy) of the paper's Figure 17, in the order of the rates."""
    return published().curve(PUBLISHED, dataset, "compression_rate", "accuracy")
