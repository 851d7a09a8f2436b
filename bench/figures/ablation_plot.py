"""The drawing of fig_ablation: one line per variant, one panel per quantity, one dot per seed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.figures import style
from bench.figures.rows import spread
from bench.results import Row

FULL = "agilenn"
VARIANTS = {
    FULL: "full method",
    "agilenn:no_skewness": "no skewness loss",
    "agilenn:no_disorder": "no disorder loss",
    "agilenn:no_xai": "neither loss",
    "agilenn:no_gating": "no gating",
    "agilenn:no_mapping": "no mapping layer",
    "agilenn:no_local": "no Local NN",
    "agilenn:all_sent": "all channels sent",
}
PANELS = {
    "accuracy": "Accuracy (%)",
    "judged_skewness": "Judged skewness (%)",
    "remote_sparsity": "Sparsity (%)",
    "payload_up": "Payload (bytes)",
    "device": "Device (ms)",
}
CAPTION = (
    "Each dot: one training (same seeds, images and epochs) without one part. Dashed: mean of the full method.\n"
    "Bars: 95 % over images. Judged skewness: IG-64 of an evaluator trained afresh. Sparsity: share of the most\n"
    "common symbol. Device: all stages, emulated, 216 MHz."
)


def draw(rows: Sequence[Row], folder: Path) -> list[Path]:
    """Writes fig_ablation.pdf and .png: one line of panels per data set; nothing to draw -> no file."""
    datasets = sorted({row.dataset for row in rows})
    if not datasets:
        return []
    colours = style.setup()
    from matplotlib import pyplot

    height = 0.8 + 2.3 * len(datasets)
    figure, axes = pyplot.subplots(
        len(datasets), len(PANELS), figsize=(7.2, height), squeeze=False, sharey=True, layout="constrained"
    )
    names = list(VARIANTS)
    for line, dataset in zip(axes, datasets, strict=True):
        for number, (axis, (metric, label)) in enumerate(zip(line, PANELS.items(), strict=True)):
            found = [r for r in rows if (r.dataset, r.metric) == (dataset, metric) and r.method in VARIANTS]
            whole = [row.value for row in found if row.method == FULL]
            if whole:
                axis.axvline(sum(whole) / len(whole), color="0.4", linestyle="--", linewidth=0.8)
            for row in found:
                place = names.index(row.method)
                low, high = spread(row)
                axis.errorbar(
                    row.value, place, xerr=[[row.value - low], [high - row.value]], fmt="o",
                    color=colours[number], markersize=3.5, linewidth=0.8,
                )  # fmt: skip
            axis.set_xlabel(label, fontsize=7)
            axis.tick_params(axis="x", labelsize=7)
            axis.margins(x=0.15)
            axis.grid(visible=False, axis="y")
            axis.grid(color="0.92", axis="x")
        line[0].set_yticks(range(len(names)), VARIANTS.values(), fontsize=7)
        line[0].set_ylim(len(names) - 0.5, -0.5)
        line[0].set_title(style.title(dataset), loc="left")
    figure.supxlabel(CAPTION, fontsize=6, color="0.3")
    return style.save(figure, folder, "fig_ablation")
