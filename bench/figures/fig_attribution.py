"""`fig_attribution`: does attribution find the channels that a network uses, and how many gradients does it take?"""

from __future__ import annotations

import argparse
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.figures import attribution_plot
from bench.figures.rows import Maker, plain_table
from bench.figures.study import Found, Study
from bench.results import Row

if TYPE_CHECKING:
    from bench.datasets import Dataset
    from bench.figures.recorded import Recorded

SHOWN = tuple(f"k={k};" for k in (0, 1, 3, 5, 10, 20))


@dataclass(frozen=True)
class Regular:
    """A data set with a network that is trained here, without any method."""

    dataset: Dataset

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.dataset.name, "regular", "paper")

    @property
    def identity(self) -> str:
        """There is no deployment: of the images."""
        return self.dataset.fingerprint


class Regulars:
    """One per data set of the command line whose training images are here; `digits` always."""

    def __init__(self, args: argparse.Namespace, recorded: Collection[str]) -> None:
        from bench.figures.cases import Images

        images = Images(args, recorded, trains=True)
        opened = [images.open(name) for name in args.dataset or sorted({"digits", *recorded})]
        self.found, self.notes = [Regular(dataset) for dataset in opened if dataset], images.notes


class FigAttribution(Study):
    name = "fig_attribution"
    claim = "masking the most important channels against random and least important; rules against IG-64"
    minutes = "2-10"
    disk = "20 MB"
    images = 500
    per_method = False

    def cases(self, args: argparse.Namespace, recorded: Collection[str]) -> Regulars:
        return Regulars(args, recorded)

    def measure(self, args: argparse.Namespace, cases: Sequence[Regular], recorded: Recorded) -> Found:
        from bench import datasets, grid, provenance
        from bench.audit.masking import masking
        from bench.figures import cells

        code = cells.code_hash(cells.AUDIT_CODE)
        todo = [
            grid.Cell(
                masking, {"dataset": name, "images": case.identity, "n": count, "code": code},
                {"data_dir": args.data_dir}, f"{name}: a network is trained, then masked",
            )
            for case in cases
            for name, count in [(case.dataset.name, min(args.images, case.dataset.counts["test"]))]
        ]  # fmt: skip
        found = Found()
        for case, result in zip(cases, cells.run(todo, args), strict=True):
            command = f"./reproduce.sh {self.name} --dataset {case.dataset.name} --images {args.images}"
            inputs = {"deployment": case.identity, "images": case.identity, "origin": case.dataset.origin, "code": code}
            found.add(attributed(case, result), provenance.stamp(command, datasets.SEED, inputs))
        return found

    def draw(self, rows: Sequence[Row], folder: Path) -> list[Path]:
        return attribution_plot.draw(rows, folder)

    def table(self, rows: Sequence[Row]) -> str:
        """Without most of the curves' points, which are in the CSV."""
        return plain_table([row for row in rows if row.metric != "accuracy" or row.conditions.startswith(SHOWN)])


def attributed(case: Regular, result: dict[str, Any]) -> list[Row]:
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
