"""`fig_latency`: end-to-end latency and accuracy of each method on each data set (the paper's Figure 16)."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.boards import ports
from bench.boards.modem import Modem
from bench.figures import latency_plot, latency_table
from bench.figures.study import Found, Study
from bench.link import parse_clock, parse_rate
from bench.results import Row

if TYPE_CHECKING:
    from bench.figures.cases import Case


class FigLatency(Study):
    name = "fig_latency"
    claim = "latency per image, in four parts, with accuracy: AgileNN against every baseline"
    figure = "Figure 16"
    minutes = "5"
    disk = "20 MB"
    variants = False
    named: Sequence[str] = ()  # methods of the command line

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        super().arguments(parser)
        add = parser.add_argument
        add("--bandwidth", type=parse_rate, default="6Mbps", metavar="RATE", help="default 6Mbps")
        add("--clock", type=parse_clock, default="216MHz", metavar="HZ", help="64MHz, 128MHz or 216MHz (default)")
        add("--compiler", default="zig", metavar="NAME", help="zig (default) or gcc: arm-none-eabi-gcc on PATH")
        what = "pyserial URL (default the emulator)"
        add("--board", type=ports.sound, default="emu://stm32f746", metavar="URL", help=what)
        what = "the board sends over its own modem to the server at this address (bench/boards/README.md)"
        add("--modem", type=Modem.parse, metavar="HOST[@BAUD]", help=what)
        add("--retrain", action="store_true", help="train the deployments first (minutes to hours)")

    def cases(self, args: argparse.Namespace, recorded: Collection[str]) -> Any:
        self.named = args.method or ()
        return super().cases(args, recorded)

    def measure(self, args: argparse.Namespace, cases: Sequence[Case]) -> Found:
        from bench.figures import latency_alone
        from bench.figures.latency_cells import Campaign

        recorded = self.recorded(args)
        recorded.keep(cases)
        campaign = Campaign(args, cases, recorded)
        found = Found(campaign.run(), campaign.stamps, campaign.notes)
        latency_alone.add(found, args, cases, campaign.conditions)
        return found

    def draw(self, rows: Sequence[Row], folder: Path) -> list[Path]:
        """Variants are drawn only where the command line named them."""
        return latency_plot.draw([row for row in rows if ":" not in row.method or row.method in self.named], folder)

    def table(self, rows: Sequence[Row]) -> str:
        return latency_table.table(rows)
