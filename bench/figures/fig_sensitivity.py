"""`fig_sensitivity`: k, rho and lambda together, and a rule that chooses them on validation images."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import product
from pathlib import Path

from bench.figures import lines_plot
from bench.figures.chosen import RULE, ChosenSweep
from bench.figures.lines_plot import Panel
from bench.figures.trained_point import Point
from bench.results import Row

GRID = {"k": (3, 5, 7), "rho": (0.7, 0.8, 0.9), "lam": (0.3, 0.6, 0.9)}
LABELS = {"accuracy": "Accuracy (%)", "achieved_skewness": "Own skewness (%)", "payload_up": "Payload (bytes)"}
CAPTION = "Colour: k, channels that stay; dashes: rho. Bars: 95 % over images. " + RULE


class FigSensitivity(ChosenSweep):
    name = "fig_sensitivity"
    claim = "k, rho and lambda jointly; a rule chooses them on validation data, and what it loses on the test split"
    figure = "not in it"
    minutes = "10-45"

    def points(self, args: argparse.Namespace) -> Sequence[Point]:
        combinations = (dict(zip(GRID, values, strict=True)) for values in product(*GRID.values()))
        return [Point(settings, settings) for settings in combinations]

    def draw(self, rows: Sequence[Row], folder: Path) -> list[Path]:
        panels = [Panel(metric, label, "lam", "lambda", ("k", "rho")) for metric, label in LABELS.items()]
        return lines_plot.draw(self.name, rows, folder, panels, CAPTION)
