"""A figure whose cells are trainings of AgileNN: the same images, seed and epochs, other settings."""

from __future__ import annotations

import argparse
import dataclasses
from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from bench import results
from bench.figures import base, offloaded
from bench.figures.alone import Alone, DataSets
from bench.figures.rows import Maker, plain_table
from bench.figures.study import Found, Study
from bench.results import Row

if TYPE_CHECKING:
    from bench.figures.recorded import Recorded
    from bench.paper import Paper

CODE = tuple(
    "agilenn bench/audit bench/training bench/datasets.py bench/outputs.py bench/server.py bench/compile bench/codec "
    "bench/firmware bench/boards".split()
)
PRESET = "audited"
HELD = {"k": 5, "rho": 0.8, "lam": 0.6}  # what a sweep does not move; stated, so that figures share their trainings
SHORT = {"digits": {"reference_epochs": 6, "epochs": 16}}  # epochs under --budget quick
SHORT_ELSEWHERE = {"reference_epochs": 1, "epochs": 4}
RATE = 6_000_000  # bits per second
PAPER_SET = "cifar100"
OWN = {"skewness": "achieved_skewness", "violations": "order_violations"}  # a training's words -> ours


@dataclass(frozen=True)
class Point:
    """One training. conditions: as the rows name it; settings: of AgileNN, over those of the preset.

    theirs: our metric -> conditions and metric in the paper's table. method: as the rows name it.
    """

    conditions: Mapping[str, float | str]
    settings: Mapping[str, Any] = field(default_factory=dict)
    theirs: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    method: str = "agilenn"

    def variant(self, dataset: str, budget: str) -> str:
        """What is trained: agilenn:audited+epochs=16,k=5,..."""
        short = SHORT.get(dataset, SHORT_ELSEWHERE) if budget == "quick" else {}
        settings = {**HELD, **short, **self.settings}
        texts = {name: str(value).lower() if isinstance(value, bool) else value for name, value in settings.items()}
        return f"agilenn:{PRESET}+" + ",".join(f"{name}={texts[name]}" for name in sorted(texts))

    @property
    def title(self) -> str:
        return ", ".join([self.method, *(f"{name} {value}" for name, value in self.conditions.items())])


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

    def measure(self, args: argparse.Namespace, cases: Sequence[Alone], recorded: Recorded) -> Found:
        from bench import grid
        from bench.figures import cells
        from bench.figures.trained_cells import trained
        from bench.paper import Paper

        paper = Paper(base.RESULTS / "paper" / "paper_values.csv")
        code, judged = cells.code_hash(CODE), args.images if self.images else 0
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
                "variant": settings["method"],
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
        from bench.paper import Paper

        curves = self.curves(Paper(base.RESULTS / "paper" / "paper_values.csv"))
        return {
            metric: sorted((float(conditions.partition("=")[2]), value) for conditions, value in curve.items())
            for metric, curve in curves.items()
        }

    def beside(self, row: Row, case: Alone, point: Point, paper: Paper) -> Row:
        """The row with the paper's value, where the paper has one."""
        if not self.source or row.metric not in point.theirs:
            return row
        conditions, metric = point.theirs[row.metric]
        theirs = paper.value(self.source, case.dataset.name, "agilenn", "paper", conditions, metric)
        return offloaded.beside(row, theirs, case.dataset.comparable)

    def table(self, rows: Sequence[Row]) -> str:
        return plain_table(rows)


def common(figure: str, case: Alone, point: Point, result: Mapping[str, Any]) -> list[Row]:
    """The rows that every training has. device_and_link: without the server's time, which trainings would disturb."""
    from bench.link import Link

    make = maker(figure, case, point)
    where: dict[str, Any] = dict(point.conditions)
    said, training = result["outputs"], result["training"]
    n, hits, symbols = said["n"], said["hits"], said["symbols"]
    link = Link(RATE)
    device = make.mean("device", result["device_ms"], "ms", **where)
    network = make.mean("network", [link.milliseconds(size, result["down"]) for size in said["payload"]], "ms", **where)
    both = make.number("device_and_link", device.value + network.value, "ms", device.n, **where)
    rows = [
        offloaded.counted(make, "accuracy", hits.get("own", 0), n, **where),
        make.number("remote_sparsity", 100 * max(symbols) / sum(symbols), "percent", n, **where),
        make.mean("payload_up", said["payload"], "bytes", **where),
        dataclasses.replace(device, label="emulated"),
        dataclasses.replace(network, label="modelled"),
        dataclasses.replace(both, label="mixed"),
        *offloaded.reported(make, training, OWN, **where),
    ]
    if result["skewness"]:
        rows.append(make.mean("judged_skewness", result["skewness"], "percent", **where))
    numbers = {"alpha": 1.0, "epochs": 1.0, "cpu_hours": 3600.0}
    return rows + [
        make.number(name.replace("hours", "seconds"), scale * training[name], "1", 1, **where)
        for name, scale in numbers.items()
        if training.get(name) is not None
    ]


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


def maker(figure: str, case: Alone, point: Point) -> Maker:
    """Makes the rows of one training."""
    return Maker(figure, (case.dataset.name, point.method, "paper"))
