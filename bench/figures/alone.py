"""Figures about data sets alone: what they measure is trained here, so they need no deployment."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.datasets import Dataset


@dataclass(frozen=True)
class Alone:
    """A data set as a case of a figure. method: what stands in that column of the rows."""

    dataset: Dataset
    method: str

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.dataset.name, self.method, "paper")

    @property
    def identity(self) -> str:
        """There is no deployment: of the images."""
        return self.dataset.fingerprint


class DataSets:
    """Those of the command line, else the usual ones, of which training images are here."""

    def __init__(self, args: argparse.Namespace, recorded: Collection[str], method: str, usual: Iterable[str]) -> None:
        from bench.figures.cases import Images

        images = Images(args, recorded, trains=True)
        opened = [images.open(name) for name in args.dataset or usual]
        self.found, self.notes = [Alone(dataset, method) for dataset in opened if dataset], images.notes


def regulars(args: argparse.Namespace, recorded: Collection[str]) -> DataSets:
    """For figures about a regular network, trained without any method: `digits` and what has records."""
    return DataSets(args, recorded, "regular", sorted({"digits", *recorded}))


def explained(
    figure: str, function: Callable[..., Any], what: str, args: argparse.Namespace, cases: Sequence[Alone]
) -> list[tuple[Alone, Any, dict[str, Any]]]:
    """(case, result, stamp) per data set. function: of bench.audit, about its regular network; what: for the user."""
    from bench import datasets, grid, provenance
    from bench.figures import cells

    code = cells.code_hash(cells.AUDIT_CODE)
    todo = [
        grid.Cell(
            function,
            {
                "dataset": case.dataset.name, "images": case.identity,
                "n": min(args.images, case.dataset.counts["test"]), "code": code,
            },
            {"data_dir": args.data_dir}, f"{case.dataset.name}: {what}", "training",
        )
        for case in cases
    ]  # fmt: skip
    found = []
    for case, result in zip(cases, cells.run(todo, args), strict=True):
        command = f"./reproduce.sh {figure} --dataset {case.dataset.name} --images {args.images}"
        inputs = {"images": case.identity, "origin": case.dataset.origin, "code": code}
        found.append((case, result, provenance.stamp(command, datasets.SEED, inputs)))
    return found
