"""`plot`: figures and tables again, from the records in results/ alone."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench.cli import Command
from bench.errors import DataError
from bench.figures import base
from bench.results import read


class Plot(Command):
    claim = "draws figures and prints tables again from recorded results; measures nothing"
    minutes = "0.1"
    disk = "1 MB"

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("target", nargs="?", default="all", help="a figure, or all (default)")
        parser.add_argument(
            "--from", dest="folder", type=Path, default=base.RESULTS, help="folder of FIGURE.csv (default results)"
        )

    def run(self, args: argparse.Namespace) -> int:
        if not args.folder.is_dir():
            raise DataError(f"no folder {args.folder}", expected="a folder that holds FIGURE.csv files")
        figures = base.figures([] if args.target == "all" else [args.target])
        drawn = 0
        for figure in figures:
            path = args.folder / f"{figure.name}.csv"
            rows = read(path)
            if not rows and args.target != "all":
                raise DataError(f"no records in {path}", do=f"measure first: ./reproduce.sh {figure.name}")
            if rows:
                print(figure.table(rows))
                for file in figure.draw(rows, args.folder / "figures"):
                    print(f"wrote {file}")
                drawn += 1
        if not drawn:
            raise DataError(f"no records in {args.folder}", do="measure first: ./reproduce.sh fig_latency")
        return 0
