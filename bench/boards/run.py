"""./reproduce.sh board ...: tools for the board."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from bench.boards import ports, tools
from bench.cli import Command, out_file
from bench.errors import BoardError

REFERENCE_HZ = 216_000_000
SHOWN = 20  # functions in the printed profile


class BoardRun(Command):
    """`board run FILE.elf`: any bare-metal STM32F746 program on the emulated board. `board calibrate`: its penalties,
    measured on a real one.
    """

    claim = "runs a bare-metal STM32F746 program on the emulated board; measures a real board's penalties"
    minutes = "< 1"

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        run = actions.add_parser(
            "run", help="run an ELF file until BKPT, exit, fault, limit or an endless loop", allow_abbrev=False
        )
        run.add_argument("elf", type=Path, metavar="FILE.elf")
        run.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
        run.add_argument(
            "--limit", type=_count, metavar="INSTRUCTIONS", help="stop after about so many (1e9 and 1_000_000 work too)"
        )
        run.add_argument(
            "--assumption", default="default", help="dual issue: default, no_mac_then_load or no_dual_issue"
        )
        run.add_argument("--calibration", type=Path, metavar="FILE", help="penalties that board calibrate measured")
        run.set_defaults(act=_run)
        calibrate = actions.add_parser(
            "calibrate", help="measure the timing model's penalties on a board", allow_abbrev=False
        )
        what = "/dev/ttyACM0, or any pyserial URL"
        calibrate.add_argument("--board", type=ports.sound, required=True, metavar="URL", help=what)
        calibrate.add_argument("--out", type=out_file, default=Path("calibration.json"), help="default %(default)s")
        calibrate.set_defaults(act=_calibrate)

        tools.add(actions)

    def run(self, args: argparse.Namespace) -> int:
        return int(args.act(args))


def _calibrate(args: argparse.Namespace) -> int:
    from bench.boards.calibration.measure import calibrate

    for values in calibrate(args.board, args.out).values():
        for name, value in values.items():
            print(f"{name:28} {value:4d} cycles")
    print(
        f"\nwritten to {args.out}; to use it: board run --calibration FILE, --board 'emu://stm32f746?calibration=FILE'"
    )
    return 0


def _run(args: argparse.Namespace) -> int:
    from bench.boards.emulator.image import Image
    from bench.boards.emulator.machine import Machine
    from bench.boards.emulator.profile import profile
    from bench.boards.emulator.stop import Reason
    from bench.boards.emulator.timing.parameters import CALIBRATION, Parameters

    machine = Machine(Image.load(args.elf), Parameters.load(args.assumption, args.calibration or CALIBRATION))
    stop = machine.run(args.limit)
    rows = profile(machine)
    result = {
        "instructions": machine.instructions,
        "cycles": machine.cycles,
        "cpi": round(machine.cycles / max(1, machine.instructions), 4),
        "ms_at_216mhz": round(machine.cycles / REFERENCE_HZ * 1000, 6),
        "stop_reason": str(stop),
    }
    if machine.semihosting.output:
        sys.stderr.write(machine.semihosting.output.decode(errors="replace"))
    if args.json:
        table = [
            {"symbol": r.symbol, "cycles": r.cycles, "instructions": r.instructions, "share": round(r.share, 6)}
            for r in rows
        ]
        print(json.dumps(result | {"profile": table}))
    else:
        for name, value in result.items():
            print(f"{name:13} {value}")
        print(f"\n{'cycles':>12} {'share':>6}  function")
        for row in rows[:SHOWN]:
            print(f"{row.cycles:12d} {100 * row.share:5.1f}%  {row.symbol}")
    if stop.reason is Reason.FAULT:
        raise BoardError(
            f"{args.elf}: {stop.detail}", do="the program's own mistake, or a part of the chip that is not emulated"
        )
    return 0


def _count(text: str) -> int:
    """A positive number of instructions."""
    try:
        value = int(float(text)) if "e" in text.lower() else int(text)
    except (ValueError, OverflowError):
        value = 0
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number of instructions")
    return value
