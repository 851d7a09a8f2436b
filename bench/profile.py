"""`profile`: where the cycles of one inference go, stage by stage and layer by layer, beside the chip's limits."""

from __future__ import annotations

import argparse
import csv
import dataclasses
import io
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import registry
from bench.boards import ports
from bench.cli import Command, out_folder
from bench.errors import UnknownName
from bench.files import replace
from bench.link import parse_clock
from bench.method import PROTOCOLS
from bench.provenance import ROOT

if TYPE_CHECKING:
    from bench.figures.profile_rows import Row

IMAGES = 2  # the first one warms caches and branch predictor, the last one counts
STAMPS = ("build", "timing_model", "calibration")  # of the firmware and, where emulated, of the timing model
HEADS = ("stage or layer", "MACs", "cycles", "per MAC", "tensors, B", "weights, B", "code", "reads", "writes")


class ProfileCommand(Command):
    """One inference of one test image, checked against its Python twin like every other."""

    claim = "cycles, bytes and memory of every device stage and network layer; roofline of the Cortex-M7"
    minutes = "0.1"
    disk = "1 MB"

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        add = parser.add_argument
        add("--method", required=True, metavar="NAME", help="with a trained deployment for the data set")
        add("--dataset", required=True, metavar="NAME", help="whose test image runs")
        add("--protocol", default="paper", help=f"{' or '.join(PROTOCOLS)} (default paper)")
        add("--clock", type=parse_clock, default="216MHz", metavar="HZ", help="64MHz, 128MHz or 216MHz (default)")
        add("--compiler", default="zig", metavar="NAME", help="zig (default) or gcc: arm-none-eabi-gcc on PATH")
        what = "pyserial URL (default the emulator)"
        add("--board", type=ports.sound, default="emu://stm32f746", metavar="URL", help=what)
        add("--data-dir", type=Path, metavar="DIR", help="folder of NAME.npz (default $AGILENN_DATA)")
        where = "folder of deployments (before the committed ones) and of profiles (default results)"
        add("--out", type=out_folder, default=ROOT / "results", metavar="DIR", help=where)

    def run(self, args: argparse.Namespace) -> int:
        if args.protocol not in PROTOCOLS:
            raise UnknownName("protocol", args.protocol, PROTOCOLS)
        registry.find("method", args.method.partition(":")[0], registry.METHODS)
        from bench.compile import program
        from bench.figures import base, profile_plot, style
        from bench.figures.cases import Cases
        from bench.figures.profile_rows import Profile
        from bench.measure import measure

        chosen = {"dataset": [args.dataset], "method": [args.method], "retrain": False}
        cases = Cases(argparse.Namespace(**vars(args) | chosen), (), lambda _: "", trains=False)
        (case,) = cases.found
        base.make_folder(args.out / "profiles")
        found = measure(
            dataset=args.dataset,
            images=case.dataset.fingerprint,
            deployment=case.identity,
            n=IMAGES,
            clock_hz=args.clock,
            board=args.board,
            compiler=args.compiler,
            folder=case.deployment.folder,
            data_dir=args.data_dir,
        )
        build = program.build(case.deployment, args.clock, args.compiler)
        rows = list(Profile(case.deployment, build, found["runs"][-1]).rows())
        label = "emulated" if ports.is_emulated(args.board) else "measured"
        stem = f"{args.method.replace(':', '--')}-{args.dataset}-{args.protocol}"
        path = args.out / "profiles" / f"{stem}.csv"
        replace(path, to_csv(rows, label, args.clock, found["info"]))
        names = f"{style.title(args.dataset)}, {style.title(args.method)}"
        heading = f"{names}, protocol {args.protocol}, {args.clock / 1e6:g} MHz, {label} cycles"
        files = profile_plot.draw(rows, heading, found["info"]["wait_states"], path.with_suffix(""))
        print(f"{heading}\n\n{table(rows, args.clock)}")
        for note in cases.notes:
            print(f"note: {note}")
        if not any(row.macs for row in rows):
            print("note: no network runs on the device: no roofline")
        print("wrote " + ", ".join(str(file) for file in (path, *files)), file=sys.stderr)
        return 0


def to_csv(rows: Sequence[Row], label: str, clock_hz: int, info: Mapping[str, Any]) -> str:
    """One line per row: its fields, cycles_per_mac, label, clock_hz and STAMPS."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    fields = [field.name for field in dataclasses.fields(rows[0])]
    writer.writerow([*fields, "cycles_per_mac", "label", "clock_hz", *STAMPS])
    stamps = [info.get(name, "") for name in STAMPS]
    for row in rows:
        per_mac = "" if row.per_mac is None else f"{row.per_mac:.3f}"
        writer.writerow([*dataclasses.astuple(row), per_mac, label, clock_hz, *stamps])
    return out.getvalue()


def table(rows: Sequence[Row], clock_hz: int) -> str:
    """Layers are indented below their stage; the last line sums the stages."""
    whole = [row for row in rows if not row.layer]
    macs, cycles = sum(row.macs for row in whole), sum(row.cycles for row in whole)
    lines = [HEADS, *map(_cells, rows), ("all", f"{macs:,}", f"{cycles:,}", *[""] * (len(HEADS) - 3))]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEADS))]
    text = "\n".join("  ".join(_align(i, cell, widths[i]) for i, cell in enumerate(line)).rstrip() for line in lines)
    return f"{text}\n{1e3 * cycles / clock_hz:.3f} ms on the device"


def _cells(row: Row) -> tuple[str, ...]:
    numbers = (f"{n:,}" if n else "" for n in (row.tensor_bytes, row.weight_bytes))
    macs, per_mac = (f"{row.macs:,}", f"{row.per_mac:.2f}") if row.per_mac is not None else ("", "")
    name = f"  {row.layer}" if row.layer else row.stage
    return (name, macs, f"{row.cycles:,}", per_mac, *numbers, row.code, row.reads, row.writes)


def _align(column: int, cell: str, width: int) -> str:
    return cell.rjust(width) if 1 <= column <= 5 else cell.ljust(width)
