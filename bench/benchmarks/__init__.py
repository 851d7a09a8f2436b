"""How fast the tools themselves are, next to a peer in the same run: `./reproduce.sh bench NAME`."""

from __future__ import annotations

import argparse
import csv
import io
import os
from collections.abc import Iterable
from pathlib import Path

from bench import registry
from bench.cli import Command, out_folder
from bench.figures import base
from bench.files import replace
from bench.provenance import ROOT

BENCHMARKS = ("emulator", "server")  # modules here, each with measure() -> rows
TABLES = ("codec", "kernels")  # modules here, each with run(folder), which writes its files and returns what to print
Row = tuple[str, float | int, str]  # metric, value, unit


class Bench(Command):
    """`bench NAME`: writes results/benchmarks/NAME.csv."""

    claim = "times kernels, coders, emulator, server, the training step beside a peer; best on an idle machine"
    minutes = "0.2-5"

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("name", choices=(*BENCHMARKS, *TABLES, *registry.BENCHMARKS))
        parser.add_argument("--out", type=out_folder, default=ROOT / "results", metavar="DIR", help="default results")
        parser.add_argument("--data-dir", type=Path, metavar="DIR", help="folder of NAME.npz (default $AGILENN_DATA)")

    def run(self, args: argparse.Namespace) -> int:
        from importlib import import_module

        base.make_folder(args.out / "benchmarks")
        if args.data_dir:
            os.environ["AGILENN_DATA"] = str(args.data_dir)
        if args.name in TABLES:
            print(import_module(f"bench.benchmarks.{args.name}").run(args.out / "benchmarks"), end="")
            return 0
        if args.name in BENCHMARKS:
            measure = import_module(f"bench.benchmarks.{args.name}").measure
        else:
            measure = registry.benchmark(args.name)
        target = args.out / "benchmarks" / f"{args.name}.csv"
        write(target, measure(), f"./reproduce.sh bench {args.name}")
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
