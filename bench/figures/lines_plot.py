"""Trainings along a setting: one panel per quantity, one line per series, the paper's curve on a grey axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.figures import style
from bench.figures.rows import spread
from bench.results import Row


@dataclass(frozen=True)
class Panel:
    """metric against the condition `axis`, a line for each value of the conditions `series`, where `where` holds."""

    metric: str
    label: str
    axis: str
    name: str = ""  # of the axis, for a reader
    series: tuple[str, ...] = ()
    where: Mapping[str, str] = field(default_factory=dict)

    def lines(self, rows: Sequence[Row]) -> dict[str, list[tuple[float, Row]]]:
        """Label of the series -> points in the order of the axis."""
        found: dict[str, list[tuple[float, Row]]] = {}
        for row in rows:
            known = row.where
            exact = set(known) == {self.axis, *self.series, *self.where}
            if row.metric == self.metric and exact and self.where.items() <= known.items():
                label = ", ".join(
                    f"{name} {known[name]}" if known[name][0].isdigit() else known[name] for name in self.series
                )
                found.setdefault(label, []).append((float(known[self.axis]), row))
        return {label: sorted(points, key=lambda point: point[0]) for label, points in sorted(found.items())}


def draw(
    name: str,
    rows: Sequence[Row],
    folder: Path,
    panels: Sequence[Panel],
    caption: str,
    published: Mapping[str, Sequence[tuple[float, float]]] | None = None,
) -> list[Path]:
    """Writes NAME.pdf and .png; nothing to draw -> no file. published: metric -> (x, y) of the paper's curve."""
    datasets = sorted({row.dataset for row in rows})
    if not datasets:
        return []
    colours = style.setup()
    from matplotlib import pyplot

    columns = min(3, len(panels))
    lines = -(-len(panels) // columns)
    figure, axes = pyplot.subplots(
        lines * len(datasets), columns, figsize=(7.2, 0.6 + 2.0 * lines * len(datasets)), squeeze=False,
        layout="constrained",
    )  # fmt: skip
    for number, dataset in enumerate(datasets):
        of_dataset = list(axes[number * lines : (number + 1) * lines].flat)
        own = [row for row in rows if row.dataset == dataset]
        for axis, panel in zip(of_dataset, panels, strict=False):
            _panel(axis, panel, own, colours, (published or {}).get(panel.metric, ()))
        for axis in of_dataset[len(panels) :]:
            axis.set_axis_off()
        of_dataset[0].set_title(style.title(dataset), loc="left")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    if any(labels):
        figure.legend(
            handles, labels, frameon=False, fontsize=6.5, loc="outside upper right", ncols=min(5, len(labels))
        )
    style.caption(figure, caption)
    return style.save(figure, folder, name)


def _panel(
    axis: Any, panel: Panel, rows: Sequence[Row], colours: Sequence[Any], published: Sequence[tuple[float, float]]
) -> None:
    styles = ("-", "--", ":", "-.")
    first: list[str] = []  # values of the first series condition, in order: they choose the colour, the rest the dashes
    for label, points in panel.lines(rows).items():
        head, _, rest = label.partition(", ")
        first += [head] if head not in first else []
        dashes = sorted({other.partition(", ")[2] for other in panel.lines(rows)})
        x = [place for place, _ in points]
        low, high = zip(*(spread(row) for _, row in points), strict=True)
        values = [row.value for _, row in points]
        errors = [[v - b for v, b in zip(values, low, strict=True)], [t - v for v, t in zip(values, high, strict=True)]]
        axis.errorbar(
            x, values, yerr=errors, color=colours[first.index(head) % len(colours)], label=label, markersize=3,
            marker="o", linewidth=1, elinewidth=0.6, linestyle=styles[dashes.index(rest) % len(styles)],
        )  # fmt: skip
    if published:
        theirs = axis.twinx()
        theirs.plot(*zip(*published, strict=True), color="0.55", linestyle="--", linewidth=1)
        theirs.tick_params(axis="y", labelsize=6, colors="0.55")
        theirs.grid(visible=False)
    axis.set_ylabel(panel.label, fontsize=7)
    axis.set_xlabel(panel.name or panel.axis, fontsize=7)
    axis.tick_params(labelsize=7)
    axis.grid(color="0.92")
    places = sorted({place for points in panel.lines(rows).values() for place, _ in points})
    axis.set_xticks(places[:: -(-len(places) // 10)] if places else [])
