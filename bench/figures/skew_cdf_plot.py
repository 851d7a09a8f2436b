"""The drawing of fig_skew_cdf: one cumulative curve per data set, the paper's dashed in the same colour."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.figures import style
from bench.figures.rows import spread
from bench.results import Row

CAPTION = (
    "Solid: a network of 3x3 convolutions trained here, its first 24 channels; IG-64 on test images that it\n"
    "classifies rightly; band: 95 % over images. Dashed: the paper's Figure 4b (MobileNetV2, layer not stated).\n"
    "Dotted: an even spread over all channels."
)


def draw(rows: Sequence[Row], folder: Path) -> list[Path]:
    """Writes fig_skew_cdf.pdf and .png; nothing to draw -> no file."""
    found: dict[str, list[tuple[float, Row]]] = {}
    for row in rows:
        if row.metric == "samples":
            found.setdefault(row.dataset, []).append((100 * float(row.where["skewness_up_to"]), row))
    if not found:
        return []
    colours = style.setup()
    from matplotlib import pyplot

    figure, axis = pyplot.subplots(figsize=(5.0, 3.4), layout="constrained")
    for number, (dataset, curve) in enumerate(sorted(found.items())):
        curve.sort()
        x, colour = [threshold for threshold, _ in curve], colours[number % len(colours)]
        axis.plot(x, [row.value for _, row in curve], "o-", color=colour, markersize=3, label=style.title(dataset))
        low, high = zip(*(spread(row) for _, row in curve), strict=True)
        axis.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
        theirs = [(threshold, row.paper_value) for threshold, row in curve if row.paper_value is not None]
        if theirs:
            label = f"{style.title(dataset)}, paper"
            axis.plot([t for t, _ in theirs], [v for _, v in theirs], "s--", color=colour, markersize=3, label=label)
    axis.axvline(100 * 5 / 24, linestyle=":", color="0.5", linewidth=1)
    axis.set_xlabel("Importance in the top 20 % of channels (%)")
    axis.set_ylabel("Images with at most that (%)")
    axis.set_ylim(0, 102)
    axis.legend(frameon=False, fontsize=7)
    figure.supxlabel(CAPTION, fontsize=6, color="0.3")
    return style.save(figure, folder, "fig_skew_cdf")
