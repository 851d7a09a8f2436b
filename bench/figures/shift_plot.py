"""The drawing of fig_shift: one line of panels per data set and method, one panel per quantity, one curve per shift."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.figures import style
from bench.figures.rows import spread
from bench.results import Row

METRICS = {
    "accuracy": "Accuracy (%)",
    "judged_skewness": "Judged skewness (%)",
    "top_k_overlap": "Top-k overlap (%)",
    "order_violations": "Order violations (%)",
    "payload_up": "Payload (bytes)",
}
MARKERS = {"noise": "o", "blur": "s", "contrast": "^", "jpeg": "D"}
CAPTION = (
    "Severity 0: clean test images. Skewness, overlap of the k most important channels with the first k, and order: "
    "IG-64 of an evaluator trained on clean features, on images that it classifies rightly. Bands: 95 % over "
    "images."
)


def draw(rows: Sequence[Row], folder: Path) -> list[Path]:
    """Writes fig_shift.pdf and .png; nothing to draw -> no file."""
    curves: dict[tuple[str, str, str], dict[tuple[str, str, int], Row]] = {}
    for row in rows:
        where = row.where
        place = (row.metric, where["shift"], int(where["severity"]))
        curves.setdefault((row.dataset, row.protocol, row.method), {})[place] = row
    if not curves:
        return []
    colours = style.setup()
    from matplotlib import pyplot

    size = (10.5, 0.95 + 1.75 * len(curves))
    figure, axes = pyplot.subplots(len(curves), len(METRICS), figsize=size, squeeze=False, layout="constrained")
    for line, key in zip(axes, sorted(curves), strict=True):
        for axis, (metric, label) in zip(line, METRICS.items(), strict=True):
            _panel(axis, curves[key], metric, colours)
            axis.set_ylabel(label)
            axis.set_ylim(0, None if metric == "payload_up" else 103)
        line[0].set_title(style.heading(*key), loc="left")
    for axis in axes[-1]:
        axis.set_xlabel("Severity")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(MARKERS), frameon=False)
    style.caption(figure, CAPTION)
    return style.save(figure, folder, "fig_shift")


def _panel(axis: Any, found: dict[tuple[str, str, int], Row], metric: str, colours: Sequence[Any]) -> None:
    for (shift, marker), colour in zip(MARKERS.items(), colours, strict=False):
        points = sorted(
            (severity, row) for (m, s, severity), row in found.items() if m == metric and s in ("clean", shift)
        )  # fmt: skip
        if not points:
            continue
        places, values = [place for place, _ in points], [row.value for _, row in points]
        low, high = zip(*(spread(row) for _, row in points), strict=True)
        axis.fill_between(places, low, high, color=colour, alpha=0.15, linewidth=0)
        axis.plot(places, values, marker=marker, color=colour, markersize=3, linewidth=1, label=shift)
