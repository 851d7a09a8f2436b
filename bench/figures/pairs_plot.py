"""Methods side by side: one panel per quantity, ours a solid bar, the paper's value a hatched one below it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.figures import style
from bench.figures.rows import spread
from bench.results import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw(
    name: str,
    rows: Sequence[Row],
    folder: Path,
    panels: Mapping[str, str],
    caption: str,
    limits: Mapping[str, float] | None = None,
) -> list[Path]:
    """Writes NAME.pdf and .png; nothing to draw -> no file. panels: metric -> label; limits: a line that matters."""
    lines: dict[tuple[str, str], dict[str, dict[str, Row]]] = {}
    for row in rows:
        if row.metric in panels:
            lines.setdefault((row.dataset, row.protocol), {}).setdefault(row.method, {})[row.metric] = row
    if not lines:
        return []
    colours = style.setup()
    from matplotlib import pyplot

    ordered = sorted(lines, key=lambda key: (key[1], style.rank(key[0])))
    heights = [0.35 + 0.38 * len(lines[key]) for key in ordered]
    figure, axes = pyplot.subplots(
        len(ordered), len(panels), figsize=(7.2, 0.9 + sum(heights)), squeeze=False, layout="constrained",
        height_ratios=heights,
    )  # fmt: skip
    for line, key in zip(axes, ordered, strict=True):
        methods = sorted(lines[key], key=style.rank)
        for number, (axis, metric) in enumerate(zip(line, panels, strict=True)):
            axis.set_visible(any(metric in found for found in lines[key].values()))
            for place, method in enumerate(methods):
                if one := lines[key][method].get(metric):
                    _pair(axis, place, one, colours[number])
            if limit := (limits or {}).get(metric):
                axis.axvline(limit, color="0.4", linestyle="--", linewidth=0.8)
            axis.set_yticks(range(len(methods)), map(style.title, methods))
            axis.set_ylim(len(methods) - 0.5, -0.5)
            axis.margins(x=0.25)
            axis.tick_params(labelsize=7, labelleft=number == 0)
            axis.grid(visible=False, axis="y")
            axis.grid(color="0.92", axis="x")
        line[0].set_title(style.heading(*key), loc="left")
    for axis, label in zip(axes[-1], panels.values(), strict=True):
        axis.set_xlabel(label)
    style.caption(figure, caption)
    return style.save(figure, folder, name)


def _pair(axis: Axes, place: int, row: Row, colour: tuple[float, float, float]) -> None:
    low, high = spread(row)
    at = place if row.paper_value is None else place - 0.17
    axis.barh(at, row.value, height=0.32, color=colour, linewidth=0, xerr=[[row.value - low], [high - row.value]])
    axis.annotate(_text(row.value), (max(high, 0), at), (3, 0), textcoords="offset points", va="center", fontsize=6.5)
    if row.paper_value is not None:
        pale = tuple(0.45 * channel + 0.55 for channel in colour)
        axis.barh(place + 0.17, row.paper_value, height=0.32, color=pale, hatch="/////", edgecolor="white", linewidth=0)
        axis.annotate(
            _text(row.paper_value), (row.paper_value, place + 0.17), (3, 0), textcoords="offset points", va="center",
            fontsize=6.5, color="0.4",
        )  # fmt: skip


def _text(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
