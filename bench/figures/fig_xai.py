"""`fig_xai`: which attribution a training uses: saliency, or integrated gradients of 2 or 16 points (Figure 24)."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from bench.figures import dots_plot
from bench.figures.trained_point import Point
from bench.figures.trained_sweep import TrainedSweep
from bench.results import Row

RULES: dict[str, dict[str, object]] = {
    "ig_2": {"rule": "midpoint", "points": 2},
    "ig_16": {"rule": "midpoint", "points": 16},
    "gradient_saliency": {"rule": "saliency"},
}
KINDS = {"ig_2": "IG, 2 points", "ig_16": "IG, 16 points", "gradient_saliency": "saliency"}
PANELS = {
    "accuracy": "Accuracy (%)",
    "payload_up": "Payload (bytes)",
    "device_and_link": "Device + link (ms)",
    "achieved_skewness": "Own skewness (%)",
    "judged_skewness": "Judged skew. (%)",
    "cpu_seconds": "Training (CPU s)",
}
CAPTION = (
    "One training per attribution. Device + link: emulated and modelled (216 MHz, 6 Mbps), without the server; the "
    "paper's total beside it in the table has it. CPU s: joint training, over all cores. Bars: 95 % over images."
)


class FigXai(TrainedSweep):
    name = "fig_xai"
    claim = "saliency or integrated gradients in training: accuracy, payload, time, skewness, and what each costs"
    figure = "Figure 24"
    minutes = "2-6"
    source = "fig24"
    images = 200

    def points(self, args: argparse.Namespace) -> Sequence[Point]:
        theirs = {name: name if name == "gradient_saliency" else "integrated_gradients" for name in RULES}
        return [
            Point(
                {"xai": name},
                settings,
                {
                    "accuracy": (f"xai={theirs[name]}", "accuracy"),
                    "device_and_link": (f"xai={theirs[name]}", "total"),
                },
            )
            for name, settings in RULES.items()
        ]

    def draw(self, rows: Sequence[Row], folder: Path) -> list[Path]:
        return dots_plot.draw(self.name, rows, folder, KINDS, PANELS, CAPTION, lambda row: row.where.get("xai", ""))
