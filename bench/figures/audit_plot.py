"""The drawing of fig_audit: left, skewness as the method and as the judge sees it; right, what the channels tell."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.figures import style
from bench.figures.rows import spread
from bench.results import Row

CAPTION = (
    "Own: what the training reports of the test images (its own reference network, its own points). Judged: IG-64 "
    "of an evaluator trained afresh on the frozen int8 features, on test images that it classifies rightly, against "
    "a zero map and against the mean map. Whiskers: 95 % over images."
)
LOOK: dict[str, Any] = {"markersize": 4, "capsize": 1.5, "linewidth": 0.8}
Look = tuple[str, str, str, str]  # metric, conditions, legend, marker
SKEWNESS: tuple[Look, ...] = (
    ("own_skewness", "", "own", "D"),
    ("judged_skewness", "baseline=zero", "judged, zero baseline", "o"),
    ("judged_skewness", "baseline=mean", "judged, mean baseline", "s"),
)
ACCURACY: tuple[Look, ...] = (
    ("evaluator_accuracy", "", "all channels", "o"),
    ("probe_network_remote", "", "remote channels", "s"),
    ("probe_network_local", "", "local channels", "^"),
    ("probe_linear_remote", "", "remote, linear probe", "P"),
    ("probe_linear_local", "", "local, linear probe", "X"),
)
PANELS = (("Importance in the first k channels (%)", SKEWNESS), ("Accuracy from the features alone (%)", ACCURACY))


def draw(rows: Sequence[Row], folder: Path) -> list[Path]:
    """Writes fig_audit.pdf and .png: one line per data set, protocol and method; nothing to draw -> no file."""
    found = {(row.dataset, row.protocol, row.method, row.metric, row.conditions): row for row in rows}
    lines = sorted({key[:3] for key in found})
    if not lines:
        return []
    colours = style.setup()
    from matplotlib import pyplot

    height = 1.75 + 0.32 * len(lines)
    figure, axes = pyplot.subplots(1, 2, figsize=(7.2, height), sharey=True, layout="constrained")
    for axis, (label, looks), first in zip(axes, PANELS, (0, 3), strict=True):
        for number, (metric, conditions, legend, marker) in enumerate(looks):
            places, colour = len(looks) - 1, colours[(first + number) % len(colours)]
            for place, line in enumerate(lines):
                row = found.get((*line, metric, conditions))
                if row is None:
                    continue
                low, high = spread(row)
                where, error = place + 0.5 * number / places - 0.25, [[row.value - low], [high - row.value]]
                axis.errorbar(row.value, where, xerr=error, fmt=marker, color=colour, **LOOK)
            axis.plot([], [], marker, color=colour, markersize=4, label=legend)
        axis.set_xlim(0, 102)
        axis.set_xlabel(label)
        axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False, fontsize=7)
        axis.grid(visible=False, axis="y")
    axes[0].set_yticks(range(len(lines)), [style.heading(*line) for line in lines])
    axes[0].set_ylim(len(lines) - 0.5, -0.5)
    style.caption(figure, CAPTION)
    return style.save(figure, folder, "fig_audit")
