"""A figure whose cells are trainings of AgileNN: the same images, seed and epochs, other settings."""

from __future__ import annotations

import argparse
from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

from bench import results
from bench.figures.alone import Alone, DataSets
from bench.figures.rows import Maker
from bench.figures.study import Found, Study
from bench.figures.trained_point import Point, common
from bench.paper import Paper, beside, published
from bench.results import Row, parts

CODE = tuple(
    "agilenn bench/audit bench/training bench/datasets.py bench/outputs.py bench/accuracy.py bench/server.py "
    "bench/offload.py bench/compile bench/codec bench/firmware bench/boards bench/client.py bench/measure.py "
    "bench/wire.py".split()
)
PAPER_SET = "cifar100"


class TrainedSweep(Study):
    """What differs between such figures: their points, their rows beside the common ones, and how they are drawn."""

    minutes = "5-30"
    disk = "50 MB"
    images = 0  # that are judged; 0: no judge
    per_method = False
    source: ClassVar[str] = ""  # the figure's name in the paper's table

    @abstractmethod
    def points(self, args: argparse.Namespace) -> Sequence[Point]:
        """The trainings of one data set."""

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        super().arguments(parser)
        what = "quick (default): a few epochs each, trends only; full: as `train --budget full`"
        parser.add_argument("--budget", choices=("quick", "full"), default="quick", help=what)

    def cases(self, args: argparse.Namespace, recorded: Collection[str]) -> DataSets:
        return DataSets(args, recorded, "sweep", ["digits"])  # many trainings take long

    def measure(self, args: argparse.Namespace, cases: Sequence[Alone]) -> Found:
        from bench import grid
        from bench.figures import cells
        from bench.figures.trained_cells import trained

        paper, code, judged = published(), cells.code_hash(CODE), args.images if self.images else 0
        points = self.points(args)
        found = Found()
        todo = [
            grid.Cell(
                trained,
                {
                    "dataset": case.dataset.name, "images": case.identity,
                    "method": point.variant(case.dataset.name, args.budget), "seed": point.conditions.get("seed", 0),
                    "budget": args.budget, "n": min(judged, case.dataset.counts["test"]), "code": code,
                    "compiler": "zig",
                },
                {"data_dir": args.data_dir}, f"{case.dataset.name}, {point.title}: training", "training",
            )
            for case in cases
            for point in points
        ]  # fmt: skip
        said = iter(zip(todo, cells.run(todo, args), strict=True))
        for case in cases:
            self._add(found, case, [(point, *next(said)) for point in points], paper, args)
        return found

    def _add(
        self,
        found: Found,
        case: Alone,
        trainings: Sequence[tuple[Point, Any, Any]],
        paper: Paper,
        args: argparse.Namespace,
    ) -> None:
        """The rows of a data set: of each training, then of all together."""
        from bench import provenance

        command = f"./reproduce.sh {self.name} --dataset {case.dataset.name} --budget {args.budget}"
        command += f" --images {args.images}" if self.images else ""
        rows: list[Row] = []
        for point, cell, result in trainings:
            settings = cell.settings
            inputs = {
                "deployment": result["deployment"], "images": case.identity, "code": settings["code"],
                "variant": settings["method"], "cores": result["training"]["cores"], "firmware": result["firmware"],
            }  # fmt: skip
            stamp = provenance.stamp(command, settings["seed"], inputs)
            of_point = [*common(self.name, case, point, result), *self.own(case, point, result)]
            found.add([self.beside(row, case, point, paper) for row in of_point], stamp)
            rows += of_point
        ending, notes = self.ending(case, [(point, result) for point, _, result in trainings])
        make = Maker(self.name, (case.dataset.name, "agilenn", "paper"))
        found.add([*ending, *trends(make, rows, self.curves(paper))], stamp)
        found.notes += notes

    def own(self, case: Alone, point: Point, result: Mapping[str, Any]) -> list[Row]:
        """More rows of one training."""
        return []

    def ending(self, case: Alone, trainings: Sequence[tuple[Point, Any]]) -> tuple[list[Row], list[str]]:
        """Rows and sentences about all trainings of a data set."""
        return [], []

    def curves(self, paper: Paper) -> dict[str, dict[str, float]]:
        """Our metric -> our conditions -> the paper's value on CIFAR-100, the data set that all its sweeps have."""
        found: dict[str, dict[str, float]] = {}
        for point in self.points(argparse.Namespace()) if self.source else ():
            for metric, (conditions, name) in point.theirs.items():
                value = paper.value(self.source, PAPER_SET, "agilenn", "paper", conditions, name)
                if value is not None:
                    found.setdefault(metric, {})[results.conditions(point.conditions)] = value
        return found

    def published(self) -> dict[str, list[tuple[float, float]]]:
        """For a drawing along one condition: our metric -> (value of the condition, the paper's value), in order."""
        return {
            metric: sorted((float(*parts(conditions).values()), value) for conditions, value in curve.items())
            for metric, curve in self.curves(published()).items()
        }

    def beside(self, row: Row, case: Alone, point: Point, paper: Paper) -> Row:
        """The row with the paper's value, where the paper has one."""
        if not self.source or row.metric not in point.theirs:
            return row
        conditions, metric = point.theirs[row.metric]
        theirs = paper.value(self.source, case.dataset.name, "agilenn", "paper", conditions, metric)
        return beside(row, theirs, comparable=case.dataset.comparable)


def trends(make: Maker, rows: Sequence[Row], curves: Mapping[str, Mapping[str, float]]) -> list[Row]:
    """Whether ours and the paper's rise and fall together: Spearman's rank correlation per metric, 3 points or more.

    All that other images and few epochs can tell.
    """
    from scipy.stats import spearmanr

    found = []
    for metric, curve in curves.items():
        pairs = [(row.value, curve[row.conditions]) for row in rows if row.metric == metric and row.conditions in curve]
        ours, theirs = ({pair[i] for pair in pairs} for i in (0, 1))
        if len(pairs) > 2 and len(ours) > 1 and len(theirs) > 1:
            value = float(spearmanr(*zip(*pairs, strict=True)).statistic)
            found.append(make.number(f"{metric}_trend", value, "1", len(pairs), paper=PAPER_SET))
    return found
