"""`fig_sensitivity`: k, rho and lambda together, and a rule that chooses them on validation images."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from bench.figures import lines_plot
from bench.figures.alone import Alone
from bench.figures.lines_plot import Panel
from bench.figures.rows import Maker
from bench.figures.trained_point import Point
from bench.figures.trained_sweep import TrainedSweep
from bench.results import Row

GRID = {"k": (3, 5, 7), "rho": (0.7, 0.8, 0.9), "lam": (0.3, 0.6, 0.9)}
SLACK = 1.0  # points of validation accuracy that the rule gives for fewer bits
LABELS = {"accuracy": "Accuracy (%)", "achieved_skewness": "Own skewness (%)", "payload_up": "Payload (bytes)"}
CAPTION = (
    "Colour: k, channels that stay; dashes: rho. Bars: 95 % over images. The rule looks at validation images only: of "
    "the settings whose accuracy is within 1 point of the best, the one whose symbols need the fewest bits."
)


class FigSensitivity(TrainedSweep):
    name = "fig_sensitivity"
    claim = "k, rho and lambda jointly; a rule chooses them on validation data, and what it loses on the test split"
    figure = "not in it"
    minutes = "10-45"

    def points(self, args: argparse.Namespace) -> Sequence[Point]:
        combinations = (dict(zip(GRID, values, strict=True)) for values in product(*GRID.values()))
        return [Point(chosen, chosen) for chosen in combinations]

    def ending(self, case: Alone, trainings: Sequence[tuple[Point, Any]]) -> tuple[list[Row], list[str]]:
        point, result = choose(trainings)
        make = Maker(self.name, (case.dataset.name, point.method, "paper"))
        best = max(_accuracy(other) for _, other in trainings)
        payload = [sum(other["outputs"]["payload"]) for _, other in trainings]
        count = len(trainings)
        rows = [
            *(make.number(f"chosen_{name}", float(value), "1", count) for name, value in point.conditions.items()),
            make.number("chosen_accuracy", _accuracy(result), "percent", result["outputs"]["n"]),
            make.number("lost_accuracy", best - _accuracy(result), "percent", count),
            make.number("payload_to_smallest", sum(result["outputs"]["payload"]) / min(payload), "ratio", count),
        ]
        chosen = ", ".join(f"{name} = {value}" for name, value in point.conditions.items())
        note = (
            f"{case.dataset.name}: the rule (validation accuracy within {SLACK:g} point of the best, then fewest bits) "
            f"chooses {chosen}; on the test split it loses {best - _accuracy(result):.2f} points to the best of {count}"
        )
        return rows, [note]

    def draw(self, rows: Sequence[Row], folder: Path) -> list[Path]:
        panels = [Panel(metric, label, "lam", "lambda", ("k", "rho")) for metric, label in LABELS.items()]
        return lines_plot.draw(self.name, rows, folder, panels, CAPTION)


def choose(results: Sequence[tuple[Point, Mapping[str, Any]]]) -> tuple[Point, Mapping[str, Any]]:
    """Of the trainings within SLACK of the best validation accuracy, the one that needs the fewest bits there."""
    best = max(_validation(result)["accuracy"] for _, result in results)
    good = [(point, result) for point, result in results if _validation(result)["accuracy"] >= best - SLACK]
    return min(good, key=lambda one: one[1]["sent"] * _validation(one[1])["symbol_entropy"])


def _validation(result: Mapping[str, Any]) -> Mapping[str, Any]:
    said: Mapping[str, Any] = result["training"]["validation"]
    return said


def _accuracy(result: Mapping[str, Any]) -> float:
    said = result["outputs"]
    return 100 * float(said["hits"].get("own", 0)) / float(said["n"])
