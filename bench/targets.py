"""`list` (also the answer to no target and to --help): what there is, what it shows, what it costs."""

from __future__ import annotations

import argparse

from bench import registry
from bench.cli import Command
from bench.errors import BenchError


class ListTargets(Command):
    claim = "lists the targets: what each shows, the paper's figure, minutes on two cores, disk"
    minutes = "0"

    def run(self, args: argparse.Namespace) -> int:
        rows = [("target", "what it shows or does", "paper", "minutes", "disk")]
        faults = []
        for name in registry.everything("target", registry.COMMANDS):
            try:
                command = registry.command(name)
            except BenchError as error:
                faults.append(f"  {error}")
                continue
            except ImportError:
                continue
            rows.append((name, command.claim, command.figure or "-", command.minutes or "-", command.disk or "-"))
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        print("usage: ./reproduce.sh TARGET [options]      ./reproduce.sh TARGET --help\n")
        for row in rows:
            print("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        for fault in faults:
            print(fault)
        print("\nA first look: ./reproduce.sh fig_latency   (no data needed: digits and CIFAR-10 images are built in)")
        return 0
