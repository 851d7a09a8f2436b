"""The drawing of fig_attribution: accuracy against masked channels, and rules against IG-64; one line per data set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.figures import style
from bench.figures.rows import spread
from bench.results import Row

MASKED = {
    "midpoint-64": "most important, IG-64",
    "ends-2": "most important, IG-2 (ends)",
    "saliency-1": "most important, saliency",
    "random": "random (5 draws)",
    "bottom": "least important, IG-64",
}
RULES = ("saliency-1", "ends-2", "ends-4", "midpoint-1", "midpoint-2", "midpoint-4", "midpoint-8", "midpoint-16")
AGREEMENT = {"spearman": "Spearman", "kendall": "Kendall"}
CAPTION = (
    "A regular network of 24 channels; importance for the class that it predicts. Left: each image's own order, "
    "masked channels set to zero. Right: over the channels of an image, agreement with integrated gradients of 64 "
    "points (1: the same order). Bands and whiskers: 95 % over images."
)


def draw(rows: Sequence[Row], folder: Path) -> list[Path]:
    """Writes fig_attribution.pdf and .png; nothing to draw -> no file."""
    names = sorted({row.dataset for row in rows})
    if not names:
        return []
    colours = style.setup()
    from matplotlib import pyplot

    size = (7.2, 0.75 + 2.3 * len(names))
    figure, axes = pyplot.subplots(len(names), 2, figsize=size, squeeze=False, layout="constrained")
    for line, name in zip(axes, names, strict=True):
        found = [(row.where, row) for row in rows if row.dataset == name]
        _masking(line[0], [(where, row) for where, row in found if row.metric == "accuracy"], colours)
        _agreement(line[1], found, colours)
        line[0].set_ylabel(f"{style.title(name)}: accuracy (%)")
    above = {"loc": "lower right", "bbox_to_anchor": (1.0, 1.0), "frameon": False, "fontsize": 6.5}
    axes[0, 0].legend(**above, ncols=2, title="masked", title_fontsize=6.5)
    axes[0, 1].legend(**above, ncols=3)
    style.caption(figure, CAPTION)
    return style.save(figure, folder, "fig_attribution")


def _masking(axis: Any, found: Sequence[tuple[dict[str, str], Row]], colours: Sequence[Any]) -> None:
    for (order, legend), colour in zip(MASKED.items(), colours, strict=False):
        curve = sorted((int(where["k"]), row) for where, row in found if where["masked"] == order)
        if not curve:
            continue
        places, values = [k for k, _ in curve], [row.value for _, row in curve]
        low, high = zip(*(spread(row) for _, row in curve), strict=True)
        axis.fill_between(places, low, high, color=colour, alpha=0.15, linewidth=0)
        axis.plot(places, values, color=colour, linewidth=1, marker=".", markersize=3, label=legend)
    axis.set_ylim(0, 102)
    axis.set_xlabel("Masked channels of 24")


def _agreement(axis: Any, found: Sequence[tuple[dict[str, str], Row]], colours: Sequence[Any]) -> None:
    known = {(row.metric, where.get("rule")): row for where, row in found}
    scales = {**dict.fromkeys(AGREEMENT, 1.0), "top5_overlap": 100.0}
    legends = {**AGREEMENT, "top5_overlap": "top-5 overlap"}
    for number, (metric, scale) in enumerate(scales.items()):
        points = [(place, known[metric, rule]) for place, rule in enumerate(RULES) if (metric, rule) in known]
        places, values = [place + 0.12 * (number - 1) for place, _ in points], [row.value / scale for _, row in points]
        low = [(row.value - spread(row)[0]) / scale for _, row in points]
        high = [(spread(row)[1] - row.value) / scale for _, row in points]
        look = {"fmt": "os^"[number], "color": colours[number], "markersize": 3.5, "capsize": 1.5, "linewidth": 0.8}
        axis.errorbar(places, values, yerr=[low, high], label=legends[metric], **look)
    axis.set_xticks(range(len(RULES)), RULES, rotation=40, ha="right", fontsize=7)
    axis.set_ylim(min(0.0, axis.get_ylim()[0]), 1.02)
    axis.set_ylabel("Agreement with IG-64")
