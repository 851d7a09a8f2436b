"""`fig_bits`: bits per feature that is sent, and a rule that chooses them on validation images."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.figures import lines_plot
from bench.figures.alone import Alone
from bench.figures.chosen import chosen
from bench.figures.lines_plot import Panel
from bench.figures.trained_point import Point
from bench.figures.trained_sweep import TrainedSweep
from bench.results import Row

LABELS = {"accuracy": "Accuracy (%)", "remote_sparsity": "Most common symbol (%)", "payload_up": "Payload (bytes)"}
CAPTION = (
    "2^bits centroids. Bars: 95 % over images. The rule looks at validation images only: of the "
    "settings whose accuracy is within 1 point of the best, the one whose symbols need the fewest bits after coding."
)


class FigBits(TrainedSweep):
    name = "fig_bits"
    claim = "bits per feature that is sent: accuracy, sparsity, payload; a rule chooses them on validation data"
    figure = "not in it"
    minutes = "2-6"

    def points(self, args: argparse.Namespace) -> Sequence[Point]:
        return [Point({"bits": bits}, {"bits": bits}) for bits in (1, 2, 3, 4)]

    def ending(self, case: Alone, trainings: Sequence[tuple[Point, Any]]) -> tuple[list[Row], list[str]]:
        return chosen(self.name, case, trainings)

    def draw(self, rows: Sequence[Row], folder: Path) -> list[Path]:
        panels = [Panel(metric, label, "bits", "bits") for metric, label in LABELS.items()]
        return lines_plot.draw(self.name, rows, folder, panels, CAPTION)
