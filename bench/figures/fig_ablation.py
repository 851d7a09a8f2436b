"""`fig_ablation`: what each part of AgileNN is good for: the same training without it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from bench.figures import dots_plot
from bench.figures.study import count
from bench.figures.trained_point import Point
from bench.figures.trained_sweep import TrainedSweep
from bench.results import Row

VARIANTS = {
    "agilenn": "full method",
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
    "Each dot: one training (same seeds, images and epochs) without one part. Dashed: mean of the full method. "
    "Bars: 95 % over images. Judged skewness: IG-64 of an evaluator trained afresh. Sparsity: share of the most "
    "common symbol. Device: all stages, emulated, 216 MHz."
)


class FigAblation(TrainedSweep):
    name = "fig_ablation"
    claim = "what each part of AgileNN is good for: accuracy, judged skewness, sparsity, payload, time on the device"
    figure = "not in it"
    minutes = "30"
    images = 500

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        super().arguments(parser)
        what = "trainings per variant (default 1)"
        parser.add_argument("--seeds", type=count("--seeds"), default=1, metavar="N", help=what)

    def points(self, args: argparse.Namespace) -> Sequence[Point]:
        return [Preset({"seed": seed}, method=method) for seed in range(args.seeds) for method in VARIANTS]

    def draw(self, rows: Sequence[Row], folder: Path) -> list[Path]:
        return dots_plot.draw(self.name, rows, folder, VARIANTS, PANELS, CAPTION, lambda row: row.method)


class Preset(Point):
    """A variant as it is, under all its epochs."""

    def variant(self, dataset: str, budget: str) -> str:
        return self.method
