"""`fig_preprocess`: joint training from scratch, or after Section 5's pre-processing (Figures 6 and 11)."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.figures import lines_plot
from bench.figures.alone import Alone
from bench.figures.lines_plot import Panel
from bench.figures.trained_point import Point, maker
from bench.figures.trained_sweep import TrainedSweep
from bench.results import Row

DEPTHS = (2, 4, 6)
STARTS: dict[str, dict[str, object]] = {
    "preprocessed": {"selection": "algorithm1", "mapping": True, "pretrained": True},
    "scratch": {"selection": "first", "mapping": False, "pretrained": False},
}
PAPER = {"preprocessed": "pre-processing", "scratch": "from scratch"}
CAPTION = (
    "Validation accuracy of the joint training, epoch by epoch; the first step (reference network) comes before both. "
    "Pre-processing: the extractor of the first step, channels chosen by Algorithm 1, mapping layer. Depth: "
    "convolutions of the extractor."
)


class FigPreprocess(TrainedSweep):
    name = "fig_preprocess"
    claim = "joint training from scratch or with pre-processing, with extractors of 2, 4 and 6 convolutions"
    figure = "Figures 6, 11"
    minutes = "5-15"
    source = "fig11"

    def points(self, args: argparse.Namespace) -> Sequence[Point]:
        return [
            Point(
                {"depth": depth, "start": start},
                {"depth": depth, **settings},
                {"validation_accuracy": (PAPER[start], "accuracy")} if depth == 2 else {},
            )
            for depth in DEPTHS
            for start, settings in STARTS.items()
        ]

    def own(self, case: Alone, point: Point, result: Mapping[str, Any]) -> list[Row]:
        """Validation accuracy after each epoch, and after the last."""
        make, training = maker(self.name, case, point), result["training"]
        where: dict[str, Any] = dict(point.conditions)
        n = training["validation"]["images"]
        curve = [100 * value for value in training["curve"]]
        return [
            make.number("validation_accuracy", curve[-1], "percent", n, **where),
            *(make.number("curve", value, "percent", n, **where, epoch=i) for i, value in enumerate(curve, 1)),
        ]

    def draw(self, rows: Sequence[Row], folder: Path) -> list[Path]:
        panels = [
            Panel("curve", f"Val. accuracy (%), depth {depth}", "epoch", "epoch", ("start",), {"depth": str(depth)})
            for depth in DEPTHS
        ]  # fmt: skip
        return lines_plot.draw(self.name, rows, folder, panels, CAPTION)
