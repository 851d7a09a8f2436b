"""`fig_latency`: end-to-end latency and accuracy of each method on each data set (the paper's Figure 16)."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import registry, results
from bench.errors import DataError, UnknownName
from bench.figures import base, latency_plot, latency_table
from bench.figures.base import Figure
from bench.link import parse_clock, parse_rate
from bench.method import PROTOCOLS
from bench.results import Row

IMAGES = 100


class FigLatency(Figure):
    name = "fig_latency"
    claim = "latency per image, in four parts, with accuracy: AgileNN against sending the whole image"
    figure = "Figure 16"
    minutes = "5"
    disk = "20 MB"

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "--dataset",
            action="extend",
            nargs="+",
            metavar="NAME",
            help="default: all with a trained deployment or recorded results",
        )
        parser.add_argument(
            "--method", action="extend", nargs="+", metavar="NAME", help="default: all with a trained deployment"
        )
        parser.add_argument("--protocol", default="paper", help=f"{' or '.join(PROTOCOLS)} (default paper)")
        parser.add_argument("--bandwidth", type=parse_rate, default="6Mbps", metavar="RATE", help="default 6Mbps")
        parser.add_argument(
            "--clock", type=parse_clock, default="216MHz", metavar="HZ", help="64MHz, 128MHz or 216MHz (default)"
        )
        parser.add_argument(
            "--compiler", default="zig", metavar="NAME", help="zig (default) or gcc: arm-none-eabi-gcc on PATH"
        )
        parser.add_argument(
            "--board", default="emu://stm32f746", metavar="URL", help="pyserial URL (default the emulator)"
        )
        parser.add_argument("--data-dir", type=Path, metavar="DIR", help="folder of NAME.npz (default $AGILENN_DATA)")
        parser.add_argument(
            "--images", type=_count, default=IMAGES, metavar="N", help=f"measured per data set (default {IMAGES})"
        )
        parser.add_argument("--retrain", action="store_true", help="train the deployments first (minutes to hours)")
        parser.add_argument("--fresh", action="store_true", help="measure again what is already measured")
        parser.add_argument(
            "--out",
            type=Path,
            default=base.RESULTS,
            metavar="DIR",
            help="where records and figures go (default results)",
        )

    def run(self, args: argparse.Namespace) -> int:
        if args.protocol not in PROTOCOLS:
            raise UnknownName("protocol", args.protocol, PROTOCOLS)
        for method in args.method or []:
            registry.find("method", method.partition(":")[0], registry.METHODS)
        from bench.figures.cases import Cases
        from bench.figures.latency_cells import Campaign
        from bench.figures.recorded import Recorded, stamps_of

        path = args.out / f"{self.name}.csv"

        def read() -> Recorded:
            return Recorded(path if path.exists() else base.RESULTS / path.name)

        recorded = read()
        cases = Cases(args, {row.dataset for row in recorded.rows})
        recorded.keep(cases.found)
        campaign = Campaign(args, cases.found, recorded)
        make_folder(args.out)
        measured = campaign.run()
        with results.exclusive(args.out):
            recorded = read()  # again: another run may have written since
            dropped = recorded.keep(cases.found)
            rows = results.merge(recorded.rows, measured)
            if not rows:
                raise DataError(
                    "nothing to draw: no deployment and no records", do="train one: ./reproduce.sh train --help"
                )
            results.write(path, rows)
            results.write_stamps(stamps_of(path), rows, recorded.stamps, campaign.stamps)
            files = self.draw(rows, args.out / "figures")
        print(self.table([row for row in rows if _asked(args, row)]))
        earlier = [f"{dropped} recorded rows of an earlier training were dropped"] if dropped else []
        for note in (*cases.notes, *campaign.notes, *earlier):
            print(f"note: {note}")
        print("wrote " + ", ".join(str(file) for file in (path, *files)), file=sys.stderr)
        return 0

    def draw(self, rows: Sequence[Row], folder: Path) -> list[Path]:
        return latency_plot.draw(rows, folder)

    def table(self, rows: Sequence[Row]) -> str:
        return latency_table.table(rows)


def make_folder(folder: Path) -> None:
    """Raises DataError where that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"--out {folder}: {error.strerror}", expected="a folder that can be written") from None


def _asked(args: argparse.Namespace, row: Row) -> bool:
    """Whether the table of this run has this row."""
    return (not args.dataset or row.dataset in args.dataset) and (not args.method or row.method in args.method)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise DataError(f"--images {text!r}", expected="a whole number of at least 1")
    return int(text)
