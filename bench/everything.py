"""`all`: every figure and table, one after the other. Finished cells are kept: a stopped run goes on where it was."""

from __future__ import annotations

import argparse
import re
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

from bench import executors
from bench.cli import Command, Parser, out_folder
from bench.errors import BenchError
from bench.figures import base

if TYPE_CHECKING:
    from bench.figures.base import Figure

PASSED_ON = ("dataset", "data_dir", "budget", "images", "executor", "out")


class All(Command):
    claim = "runs every figure and table, one after the other; a stopped run goes on where it was"
    minutes = "60-300"
    disk = "500 MB"

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        add = parser.add_argument
        add("targets", nargs="*", metavar="TARGET", help="only these (default all of `list`)")
        add("--dataset", nargs="+", metavar="NAME", help="only these data sets")
        add("--data-dir", type=Path, metavar="DIR", help="folder of NAME.npz (default $AGILENN_DATA)")
        add("--budget", choices=("quick", "full"), help="of the targets that train")
        add("--images", metavar="N", help="measured per data set, of the targets that measure images")
        add("--executor", type=executors.check, metavar="NAME", help=f"where cells run: {executors.FORMS}")
        add("--fresh", action="store_true", help="measure again what is already measured")
        add("--out", type=out_folder, default=base.RESULTS, metavar="DIR", help="records and figures (default results)")

    def run(self, args: argparse.Namespace) -> int:
        from tqdm import tqdm

        chosen = base.figures(args.targets)
        spans = [span(figure.minutes) for figure in chosen]
        low, high = (sum(one[i] for one in spans) for i in (0, 1))
        print(
            f"{len(chosen)} targets, {low:.0f} to {high:.0f} minutes on two cores; what is kept is not measured again"
        )
        logs = args.out / "logs"
        base.make_folder(logs)
        words, measured, failed = passed_on(args), set[str](), []
        with tqdm(total=high, unit="min", bar_format="{l_bar}{bar}| {elapsed} done, about {remaining} left") as bar:
            for figure, (_, minutes) in zip(chosen, spans, strict=True):
                bar.set_description(figure.name)
                started = time.monotonic()
                fault = attempt(figure, words, logs / f"{figure.name}.log", measured)
                took = (time.monotonic() - started) / 60
                bar.write(f"  {figure.name:18} {took:6.1f} min   {fault or 'done'}", file=sys.stdout)
                failed += [figure.name] if fault else []
                bar.update(minutes)
        if failed:
            problem = f"{len(failed)} of {len(chosen)} targets did not run: {', '.join(failed)}"
            raise BenchError(problem, do=f"the lines above say why; all that they said: {logs}")
        return 0


def span(minutes: str) -> tuple[float, float]:
    """ "5", "1-10" or "< 10" of a target -> fewest and most minutes."""
    numbers = [float(number) for number in re.findall(r"[\d.]+", minutes)]
    return (0.0 if minutes.startswith("<") else numbers[0], numbers[-1])


def passed_on(args: argparse.Namespace) -> list[str]:
    """The options as words; a target leaves out those that it does not have."""
    words = ["--fresh"] if args.fresh else []
    for name in PASSED_ON:
        value = getattr(args, name)
        if value is not None:
            values = value if isinstance(value, list) else [value]
            words += [f"--{name.replace('_', '-')}", *map(str, values)]
    return words


def attempt(figure: Figure, words: Sequence[str], log: Path, measured: set[str]) -> str:
    """Runs a target; what it says goes to a file. Returns why it could not run, "" if it did.

    measured: names of the cells that this command measured or read, which --fresh leaves as they are.
    """
    parser = Parser(prog=f"./reproduce.sh {figure.name}", allow_abbrev=False)
    figure.arguments(parser)
    args, _ = parser.parse_known_args(words)
    args.measured = measured
    with log.open("w", encoding="utf-8") as file, redirect_stdout(file), redirect_stderr(file):
        try:
            figure.run(args)
        except BenchError as error:
            print(f"error: {error}")
            return str(error)
        except Exception as error:  # a fault of one target must not stop the others
            traceback.print_exc()
            return f"{type(error).__name__}: {error}"
    return ""
