"""`fig_lambda`: the weight of the prediction loss against skewness and order (Figure 10)."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from bench.figures import lines_plot
from bench.figures.lines_plot import Panel
from bench.figures.trained_point import Point
from bench.figures.trained_sweep import TrainedSweep
from bench.results import Row

LAMBDAS = tuple(step / 10 for step in range(1, 10))
LABELS = {"accuracy": "Accuracy (%)", "achieved_skewness": "Own skewness (%)", "payload_up": "Payload (bytes)"}
CAPTION = "Bars: 95 % over images. Grey, right axis: the paper's curve on CIFAR-100 (200 epochs)."


class FigLambda(TrainedSweep):
    name = "fig_lambda"
    claim = "accuracy and skewness against lambda, the weight of the prediction loss"
    figure = "Figure 10"
    minutes = "5-15"
    source = "fig10"

    def points(self, args: argparse.Namespace) -> Sequence[Point]:
        return [
            Point(
                {"lam": lam}, {"lam": lam}, {m: (f"klambda={lam}", m) for m in ("accuracy", "achieved_skewness")}
            )
            for lam in LAMBDAS
        ]  # fmt: skip

    def draw(self, rows: Sequence[Row], folder: Path) -> list[Path]:
        panels = [Panel(metric, label, "lam", "lambda") for metric, label in LABELS.items()]
        return lines_plot.draw(self.name, rows, folder, panels, CAPTION, self.published())
