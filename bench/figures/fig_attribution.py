"""`fig_attribution`: does attribution find the channels that a network uses, and how many gradients does it take?"""

from __future__ import annotations

import argparse
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from bench.figures import alone, attribution_plot
from bench.figures.alone import Alone, DataSets
from bench.figures.rows import Maker
from bench.figures.study import Found, Study
from bench.results import Row

SHOWN = tuple(f"k={k};" for k in (0, 1, 3, 5, 10, 20))


class FigAttribution(Study):
    name = "fig_attribution"
    claim = "masking the most important channels against random and least important; rules against IG-64"
    minutes = "2-10"
    disk = "20 MB"
    images = 500
    per_method = False

    def cases(self, args: argparse.Namespace, recorded: Collection[str]) -> DataSets:
        return alone.regulars(args, recorded)

    def measure(self, args: argparse.Namespace, cases: Sequence[Alone]) -> Found:
        from bench.audit.masking import masking

        found = Found()
        what = "a network is trained, then masked"
        for case, result, stamp in alone.explained(self.name, masking, what, args, cases):
            found.add(attributed(case, result), stamp)
        return found

    def draw(self, rows: Sequence[Row], folder: Path) -> list[Path]:
        return attribution_plot.draw(rows, folder)

    def table(self, rows: Sequence[Row]) -> str:
        """Without most of the curves' points, which are in the CSV."""
        return super().table([row for row in rows if row.metric != "accuracy" or row.conditions.startswith(SHOWN)])


def attributed(case: Alone, result: dict[str, Any]) -> list[Row]:
    """Accuracy by order and number of masked channels, and each rule's agreement with IG-64."""
    import numpy as np

    make = Maker(FigAttribution.name, case.key)
    rows = []
    orders = {name: np.array(right) for name, right in result["right"].items()}
    draws = [orders.pop(name) for name in sorted(orders) if name.startswith("random-")]
    for order, right in orders.items():
        rows += [make.share("accuracy", list(of_k), masked=order, k=k) for k, of_k in enumerate(right)]
    chance = 100 * np.mean(draws, axis=0)  # per image, over the draws
    rows += [make.mean("accuracy", of_k, "percent", masked="random", k=k) for k, of_k in enumerate(chance)]
    for rule, found in result["agreement"].items():
        for metric, values in found.items():
            rows.append(make.mean(metric, values, "percent" if metric == "top5_overlap" else "1", rule=rule))
    return rows
