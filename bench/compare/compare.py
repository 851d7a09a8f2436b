"""`compare`: two results folders side by side, or two methods image by image."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench import executors
from bench.cli import Command, out_folder
from bench.errors import BenchError
from bench.figures import base
from bench.figures.study import count
from bench.method import PROTOCOLS


class Compare(Command):
    claim = "two results folders side by side; or two methods image by image, with intervals and McNemar's test"
    minutes = "0.1-10"
    disk = "20 MB"

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        add = parser.add_argument
        add("folders", nargs="*", type=Path, metavar="FOLDER", help="two folders of FIGURE.csv")
        add("--figure", nargs="+", metavar="NAME", help="of two folders: only these (default all)")
        add("--methods", nargs=2, metavar="NAME", help="two methods, on the data set of --dataset")
        add("--dataset", nargs="+", metavar="NAME", help="of two methods: one")
        add("--protocol", choices=PROTOCOLS, default="paper", help="of two methods (default paper)")
        add("--data-dir", type=Path, metavar="DIR", help="folder of NAME.npz (default $AGILENN_DATA)")
        add("--images", type=count("--images"), default=100, metavar="N", help="run on the board (default 100)")
        add("--executor", type=executors.check, default=executors.DEFAULT, metavar="NAME", help=executors.FORMS)
        add("--fresh", action="store_true", help="measure again what is already measured")
        add(
            "--out",
            type=out_folder,
            default=base.RESULTS,
            metavar="DIR",
            help="where measurements go (default results)",
        )
        parser.set_defaults(method=None, retrain=False, modem=None, measured=set())

    def run(self, args: argparse.Namespace) -> int:
        if args.methods and not args.folders:
            return self._methods(args)
        if args.methods or len(args.folders) != 2:
            expected = "two folders, or --methods A B --dataset D"
            raise BenchError("compare", expected=expected, got=f"{len(args.folders)} folders", do="see --help")
        from bench.compare.folders import Folders

        figures = [figure.name for figure in base.figures(args.figure or ())]
        first, second = args.folders
        print(Folders.of(first, second, figures).text())
        return 0

    def _methods(self, args: argparse.Namespace) -> int:
        from bench.compare.methods import compare
        from bench.figures.cases import Cases

        if not args.dataset or len(args.dataset) != 1:
            raise BenchError("compare --methods", expected="one --dataset", got=args.dataset or "none")
        if args.methods[0] == args.methods[1]:
            raise BenchError("compare --methods", expected="two methods", got=f"{args.methods[0]} twice")
        args.method = args.methods
        cases = Cases(args, (), lambda _: "", trains=False)
        print(compare(args, cases.found))
        for note in cases.notes:
            print(f"note: {note}")
        return 0
