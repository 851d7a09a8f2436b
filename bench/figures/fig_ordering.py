"""`fig_ordering`: no order, a strict descending one, or the disorder loss (Figure 9b)."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from bench.figures import dots_plot
from bench.figures.trained_point import Point
from bench.figures.trained_sweep import TrainedSweep
from bench.results import Row

ORDERS = {"relaxed": "disorder", "strict_descending": "descending", "none": "none"}  # the paper's word -> our setting
KINDS = {"relaxed": "disorder loss", "strict_descending": "strict order", "none": "no order loss"}
PANELS = {
    "order_violations": "Own violations (%)",
    "accuracy": "Accuracy (%)",
    "achieved_skewness": "Own skewness (%)",
    "payload_up": "Payload (bytes)",
}
CAPTION = (
    "Violations: images of which a channel that is sent matters more than one that stays, by the training's reference "
    "network. The skewness loss stays in all three. Dashed: the disorder loss. Bars: 95 % over images."
)


class FigOrdering(TrainedSweep):
    name = "fig_ordering"
    claim = "what the relaxed disorder loss buys over a strict order or none: violations and accuracy"
    figure = "Figure 9b"
    minutes = "2-6"
    source = "fig9b"

    def points(self, args: argparse.Namespace) -> Sequence[Point]:
        return [
            Point(
                {"order_loss": name},
                {"order": order},
                {m: (f"order_loss={name}", m) for m in ("order_violations", "accuracy")},
            )
            for name, order in ORDERS.items()
        ]

    def draw(self, rows: Sequence[Row], folder: Path) -> list[Path]:
        kind = "order_loss"
        return dots_plot.draw(self.name, rows, folder, KINDS, PANELS, CAPTION, lambda row: row.where.get(kind, ""))
