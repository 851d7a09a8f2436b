"""A figure that measures: finds its cases, keeps the records of what is not here, writes rows and stamps, draws."""

from __future__ import annotations

import argparse
import sys
from abc import abstractmethod
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import executors, results
from bench.cli import out_folder
from bench.errors import DataError, UnknownName
from bench.executors import check
from bench.figures import base, verdict_table
from bench.figures.base import Figure
from bench.method import PROTOCOLS, Deployment
from bench.results import Key, Row

if TYPE_CHECKING:
    from bench.figures.recorded import Recorded


@dataclass
class Found:
    """What a run measured: rows, the stamp of each live one (by its key), sentences for the user."""

    rows: list[Row] = field(default_factory=list)
    stamps: dict[Key, dict[str, Any]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def add(self, rows: Sequence[Row], stamp: dict[str, Any]) -> None:
        """More rows of one case."""
        self.rows += rows
        self.stamps |= {row.key: stamp for row in rows if row.source == "live"}


class Study(Figure):
    """What differs between such figures: their options, which deployments they take, `measure`, `draw` and `table`."""

    images = 100  # default of --images; 0: no such option
    per_method = True  # False: about data sets alone, without --method and --protocol
    variants = True  # False: a variant (METHOD:VARIANT) takes part only where --method names methods
    trains = False  # True: needs training images; a data set of which only test images are here comes from records

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        """The options that all of them share."""
        add = parser.add_argument
        names = "default: all with a trained deployment"
        add("--dataset", action="extend", nargs="+", metavar="NAME", help=f"{names} or recorded results")
        if self.per_method:
            add("--method", action="extend", nargs="+", metavar="NAME", help=names)
            add("--protocol", default="paper", help=f"{' or '.join(PROTOCOLS)} (default paper)")
        add("--data-dir", type=Path, metavar="DIR", help="folder of NAME.npz (default $AGILENN_DATA)")
        if self.images:
            what = f"measured per data set (default {self.images})"
            add("--images", type=count("--images"), default=self.images, metavar="N", help=what)
        add("--fresh", action="store_true", help="measure again what is already measured")
        where = "local (default): one cell after the other; local:N: N processes; dask:ADDRESS; slurm:PARTITION"
        add("--executor", type=check, default=executors.DEFAULT, metavar="NAME", help=where)
        what = "where records and figures go (default results)"
        add("--out", type=out_folder, default=base.RESULTS, metavar="DIR", help=what)
        parser.set_defaults(method=None, protocol="paper", retrain=False, modem=None, measured=set())

    def refuses(self, deployment: Deployment) -> str:
        """Why this figure has no place for a deployment; "" if it has."""
        return ""

    def cases(self, args: argparse.Namespace, recorded: Collection[str]) -> Any:
        """`found` (each with `key` and `identity`, as Case) and `notes`; recorded: data sets that have records."""
        from bench.figures.cases import Cases

        def refuses(deployment: Deployment) -> str:
            left_out = ":" in deployment.method and not self.variants and not args.method
            return "a variant" if left_out else self.refuses(deployment)

        return Cases(args, recorded, refuses, self.trains)

    @abstractmethod
    def measure(self, args: argparse.Namespace, cases: Sequence[Any]) -> Found:
        """What a command line asks for, by `bench.figures.cells.run`: measured, or read where it is kept."""

    def stale(self, row: Row, found: Sequence[Row]) -> bool:
        """Whether what was found leaves no place for a recorded row, though none has its key."""
        return False

    def table(self, rows: Sequence[Row]) -> str:
        return verdict_table.table(rows)

    def recorded(self, args: argparse.Namespace) -> Recorded:
        """Of --out, else the committed ones."""
        from bench.figures.recorded import Recorded

        path = args.out / f"{self.name}.csv"
        return Recorded(path if path.exists() else base.RESULTS / path.name)

    def run(self, args: argparse.Namespace) -> int:
        if args.protocol not in PROTOCOLS:
            raise UnknownName("protocol", args.protocol, PROTOCOLS)
        from bench.figures.recorded import stamps_of

        path = args.out / f"{self.name}.csv"
        cases = self.cases(args, {row.dataset for row in self.recorded(args).rows})
        found = self.measure(args, cases.found)
        base.make_folder(args.out)
        with results.exclusive(args.out):
            recorded = self.recorded(args)  # now: another run may have written since
            dropped = recorded.keep(cases.found)
            rows = results.merge([row for row in recorded.rows if not self.stale(row, found.rows)], found.rows)
            if not rows:
                raise DataError(
                    "nothing to draw: no deployment and no records", do="train one: ./reproduce.sh train --help"
                )
            results.write(path, rows)
            results.write_stamps(stamps_of(path), rows, recorded.stamps, found.stamps)
            files = self.draw(rows, args.out / "figures")
        print(self.table([row for row in rows if _asked(args, row)]))
        earlier = [f"{dropped} recorded rows of an earlier training were dropped"] if dropped else []
        older = recorded.outdated(row for row in rows if row.key not in found.stamps)
        outdated = [f"{name}: emulated with another timing model; measure it again" for name in older]
        for note in (*cases.notes, *found.notes, *earlier, *outdated):
            print(f"note: {note}")
        print("wrote " + ", ".join(str(file) for file in (path, *files)), file=sys.stderr)
        return 0


def _asked(args: argparse.Namespace, row: Row) -> bool:
    """Whether the table of this run has this row."""
    return (not args.dataset or row.dataset in args.dataset) and (not args.method or row.method in args.method)


def count(option: str) -> Callable[[str], int]:
    """How an option reads a whole number of at least 1. Raises DataError."""

    def read(text: str) -> int:
        if not text.isdecimal() or int(text) < 1:
            raise DataError(f"{option} {text!r}", expected="a whole number of at least 1")
        return int(text)

    return read
