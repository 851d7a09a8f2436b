"""`fig_temperature`: the temperature of the trained weight of the local logits (Figure 8b)."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from bench.figures import lines_plot
from bench.figures.lines_plot import Panel
from bench.figures.trained_point import Point
from bench.figures.trained_sweep import TrainedSweep
from bench.results import Row

LABELS = {"accuracy": "Accuracy (%)", "alpha": "Learned alpha", "payload_up": "Payload (bytes)"}
CAPTION = (
    "alpha = sigmoid(w / T) weighs the local logits; w is trained. Bars: 95 % over images. Grey, right axis: the "
    "paper's curve on CIFAR-100 (200 epochs)."
)


class FigTemperature(TrainedSweep):
    name = "fig_temperature"
    claim = "accuracy and learned weight of the local logits against the temperature T"
    figure = "Figure 8b"
    minutes = "5-15"
    source = "fig8b"

    def points(self, args: argparse.Namespace) -> Sequence[Point]:
        return [
            Point(
                {"temperature": t},
                {"temperature": float(t)},
                {"accuracy": (f"temperature={t}", "accuracy"), "alpha": (f"T={t}", "alpha")},
            )
            for t in range(1, 11)
        ]

    def draw(self, rows: Sequence[Row], folder: Path) -> list[Path]:
        panels = [Panel(metric, label, "temperature", "T") for metric, label in LABELS.items()]
        return lines_plot.draw(self.name, rows, folder, panels, CAPTION, self.published())
