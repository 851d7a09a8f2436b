"""The drawing of fig_reweight: one panel per data set, one curve per deployment, the paper's curve dashed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.figures import style
from bench.figures.rows import spread
from bench.results import Row

CAPTION = (
    "Combined logits = alpha x local + (1 - alpha) x remote, in the integers of the device program, test split.\n"
    "Diamond: the weight that training found. Band: 95 % interval over images. Dashed: the paper's Figure 18."
)


def draw(rows: Sequence[Row], folder: Path) -> list[Path]:
    """Writes fig_reweight.pdf and .png; nothing to draw -> no file."""
    panels: dict[tuple[str, str], dict[str, list[Row]]] = {}
    for row in rows:
        panels.setdefault((row.dataset, row.protocol), {}).setdefault(row.method, []).append(row)
    if not panels:
        return []
    colours = style.setup()
    from matplotlib import pyplot

    columns = min(3, len(panels))
    lines = -(-len(panels) // columns)
    figure, axes = pyplot.subplots(
        lines, columns, figsize=(7.2, 0.7 + 2.2 * lines), squeeze=False, layout="constrained"
    )
    methods = sorted({row.method for row in rows})
    for axis, (key, found) in zip(axes.flat, sorted(panels.items()), strict=False):
        for method, of_method in sorted(found.items()):
            colour = colours[methods.index(method) % len(colours)]
            curve = sorted((_alpha(row), row) for row in of_method if row.metric == "accuracy")
            x = [alpha for alpha, _ in curve]
            axis.plot(x, [row.value for _, row in curve], color=colour, linewidth=1.2, label=style.title(method))
            low, high = zip(*(spread(row) for _, row in curve), strict=True)
            axis.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
            one = {row.metric: row.value for row in of_method if not row.conditions}
            if {"learned_alpha", "accuracy_learned"} <= set(one):
                axis.plot(one["learned_alpha"], one["accuracy_learned"], "D", color=colour, markersize=4)
        theirs = {
            _alpha(r): r.paper_value for of in found.values() for r in of if r.conditions and r.paper_value is not None
        }
        if theirs:
            axis.plot(
                sorted(theirs), [theirs[a] for a in sorted(theirs)], "--", color="0.4", linewidth=1, label="paper"
            )
        axis.set_title(style.heading(*key), loc="left")
        axis.set_xlim(0, 1)
        axis.grid(color="0.92")
        axis.set_xlabel("Weight of the local logits")
        axis.legend(frameon=False, fontsize=7, loc="lower left")
    for axis in axes.flat[len(panels) :]:
        axis.set_axis_off()
    for axis in axes[:, 0]:
        axis.set_ylabel("Accuracy (%)")
    figure.supxlabel(CAPTION, fontsize=6.5, color="0.3")
    return style.save(figure, folder, "fig_reweight")


def _alpha(row: Row) -> float:
    return float(row.where.get("alpha", "nan"))
