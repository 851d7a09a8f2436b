"""Trainings that differ in kind: one line per kind, one panel per quantity, one dot per training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bench.figures import style
from bench.figures.rows import spread
from bench.results import Row


def draw(
    name: str,
    rows: Sequence[Row],
    folder: Path,
    kinds: Mapping[str, str],
    panels: Mapping[str, str],
    caption: str,
    kind: Callable[[Row], str],
) -> list[Path]:
    """Writes NAME.pdf and .png; nothing to draw -> no file.

    kinds: what `kind` says of a row -> its label, from top to bottom; the first is dashed through all lines. panels:
    metric -> label.
    """
    datasets = sorted({row.dataset for row in rows})
    if not datasets:
        return []
    colours = style.setup()
    from matplotlib import pyplot

    height = 0.9 + (0.5 + 0.22 * len(kinds)) * len(datasets)
    figure, axes = pyplot.subplots(
        len(datasets), len(panels), figsize=(7.2, height), squeeze=False, sharey=True, layout="constrained"
    )
    names = list(kinds)
    for line, dataset in zip(axes, datasets, strict=True):
        for number, (axis, (metric, label)) in enumerate(zip(line, panels.items(), strict=True)):
            found = [r for r in rows if (r.dataset, r.metric) == (dataset, metric) and kind(r) in kinds]
            whole = [row.value for row in found if kind(row) == names[0]]
            if whole:
                axis.axvline(sum(whole) / len(whole), color="0.4", linestyle="--", linewidth=0.8)
            for row in found:
                low, high = spread(row)
                axis.errorbar(
                    row.value, names.index(kind(row)), xerr=[[row.value - low], [high - row.value]], fmt="o",
                    color=colours[number % len(colours)], markersize=3.5, linewidth=0.8,
                )  # fmt: skip
            axis.set_xlabel(label, fontsize=7)
            axis.tick_params(axis="x", labelsize=7)
            axis.margins(x=0.15)
            axis.grid(visible=False, axis="y")
            axis.grid(color="0.92", axis="x")
        line[0].set_yticks(range(len(names)), kinds.values(), fontsize=7)
        line[0].set_ylim(len(names) - 0.5, -0.5)
        line[0].set_title(style.title(dataset), loc="left")
    style.caption(figure, caption)
    return style.save(figure, folder, name)
