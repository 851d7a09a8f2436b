"""`fig_bits`: bits per feature that is sent, and a rule that chooses them on validation images."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from bench.figures import lines_plot
from bench.figures.chosen import RULE, ChosenSweep
from bench.figures.lines_plot import Panel
from bench.figures.trained_point import Point
from bench.results import Row

LABELS = {"accuracy": "Accuracy (%)", "remote_sparsity": "Most common symbol (%)", "payload_up": "Payload (bytes)"}
CAPTION = "2^bits centroids. Bars: 95 % over images. " + RULE


class FigBits(ChosenSweep):
    name = "fig_bits"
    claim = "bits per feature that is sent: accuracy, sparsity, payload; a rule chooses them on validation data"
    figure = "not in it"
    minutes = "2-6"

    def points(self, args: argparse.Namespace) -> Sequence[Point]:
        return [Point({"bits": bits}, {"bits": bits}) for bits in (1, 2, 3, 4)]

    def draw(self, rows: Sequence[Row], folder: Path) -> list[Path]:
        panels = [Panel(metric, label, "bits", "bits") for metric, label in LABELS.items()]
        return lines_plot.draw(self.name, rows, folder, panels, CAPTION)
