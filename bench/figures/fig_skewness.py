"""`fig_skewness`: required skewness and split ratio against what is reached, accuracy and bytes (Figure 21)."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from bench.figures import lines_plot
from bench.figures.lines_plot import Panel
from bench.figures.trained_point import Point
from bench.figures.trained_sweep import TrainedSweep
from bench.results import Row

SPLIT = {3: 0.1, 5: 0.2, 7: 0.3}  # k of 24 channels -> the paper's split ratio
RHO = (0.7, 0.8, 0.9)
LABELS = {
    "achieved_skewness": "Own skewness (%)",
    "judged_skewness": "Judged skewness (%)",
    "accuracy": "Accuracy (%)",
    "remote_sparsity": "Sparsity (%)",
    "payload_up": "Payload (bytes)",
    "network": "Network (ms)",
}
CAPTION = (
    "Channels that stay on the device (of 24) and the share of importance rho that the loss asks of them. Bars: 95 % "
    "over images. Own: by the training's reference network; judged: IG-64 of an evaluator trained afresh. Sparsity: "
    "share of the most common symbol. Network: 6 Mbps, modelled."
)


class FigSkewness(TrainedSweep):
    name = "fig_skewness"
    claim = "required skewness x split ratio: achieved and judged skewness, accuracy, sparsity, payload, network time"
    figure = "Figure 21"
    minutes = "5-15"
    source = "fig21"
    images = 200

    def points(self, args: argparse.Namespace) -> Sequence[Point]:
        return [
            Point(
                {"k": k, "rho": rho},
                {"k": k, "rho": rho},
                {m: (f"rho={rho};split_ratio={split}", m) for m in ("achieved_skewness", "accuracy", "network")},
            )
            for k, split in SPLIT.items()
            for rho in RHO
        ]

    def draw(self, rows: Sequence[Row], folder: Path) -> list[Path]:
        panels = [Panel(metric, label, "k", series=("rho",)) for metric, label in LABELS.items()]
        return lines_plot.draw(self.name, rows, folder, panels, CAPTION)
