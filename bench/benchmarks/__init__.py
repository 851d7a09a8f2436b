"""How fast the tools themselves are, next to a peer in the same run: `./reproduce.sh bench NAME`."""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Iterable
from pathlib import Path

from bench.cli import Command
from bench.files import replace
from bench.provenance import ROOT

BENCHMARKS = ("emulator", "server")  # modules here, each with measure() -> rows
Row = tuple[str, float | int, str]  # metric, value, unit


class Bench(Command):
    """`bench NAME`: writes results/benchmarks/NAME.csv."""

    claim = "times the tools themselves (emulator, server) beside a peer; best on an idle machine"
    minutes = "0.2-1"

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("name", choices=BENCHMARKS)
        parser.add_argument("--out", type=Path, default=ROOT / "results", metavar="DIR", help="default results")

    def run(self, args: argparse.Namespace) -> int:
        from importlib import import_module

        rows = import_module(f"bench.benchmarks.{args.name}").measure()
        target = args.out / "benchmarks" / f"{args.name}.csv"
        write(target, rows, f"./reproduce.sh bench {args.name}")
        print(target.read_text(), end="")
        return 0


def write(target: Path, rows: Iterable[Row], command: str) -> None:
    """metric,value,unit,command; values to four digits."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("metric", "value", "unit", "command"))
    writer.writerows(
        (metric, f"{value:.4g}" if isinstance(value, float) else value, unit, command) for metric, value, unit in rows
    )
    replace(target, text.getvalue())
