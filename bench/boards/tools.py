"""`board flash`, `board check`, `board modem`: what a person with a real board in hand needs."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from bench.boards.ports import is_emulated, open_port, sound
from bench.boards.protocol import Channel
from bench.errors import BoardError

WATCHED_S = 1.0  # how long the cycle counter is held against this computer's clock
TOLERANCE = 0.02


def add(actions: Any) -> None:
    """Their options, to the subparsers of `board`."""
    flash = actions.add_parser("flash", help="put a program on a board (pyocd), or print how to", allow_abbrev=False)
    flash.add_argument("elf", type=Path, metavar="FILE.elf")
    flash.set_defaults(act=_flash)
    check = actions.add_parser("check", help="what runs on a board, at which clock", allow_abbrev=False)
    check.set_defaults(act=_check)
    modem = actions.add_parser("modem", help="send AT commands to the modem of a board", allow_abbrev=False)
    modem.add_argument("command", nargs="+", metavar="AT...")
    modem.set_defaults(act=_modem)
    for parser in (flash, check, modem):
        parser.add_argument("--board", type=sound, default="/dev/ttyACM0", metavar="URL", help="default %(default)s")


def _flash(args: argparse.Namespace) -> int:
    from bench.boards import flash
    from bench.boards.emulator.image import Image

    image = Image.load(args.elf)  # says what is wrong with the file
    if flash.is_possible(args.board):
        flash.program(args.elf, args.board)
        return 0
    flash.write_binary(image)
    print(f"nothing flashed: {args.board} is no ST-LINK of this computer, or pyocd is not installed here\n")
    print(f"pip install pyocd && pyocd pack install {flash.PACK}     then the same command again, or one of these:")
    print("\n".join(flash.by_hand(args.elf)))
    return 1


def _check(args: argparse.Namespace) -> int:
    """Raises BoardError where clock, caches or counter are not as they should be."""
    from bench.boards.hello import FLAGS, check, greet

    with _connection(args.board) as channel:
        first, start = greet(channel), time.perf_counter()
        time.sleep(0 if channel.virtual else WATCHED_S)
        info, seconds = greet(channel), time.perf_counter() - start
        program = info.program
        hz = (info.cycles - first.cycles) % (1 << 32) / seconds
        lines = {
            "program": program.get("program"),
            "build": f"{info.build_id} by {program.get('compiler')}",
            "chip": f"{info.device_id:#010x}, unique id {info.unique_id}",
            "clock": f"{info.clock_hz:,} Hz by its registers"
            + ("" if channel.virtual else f", {hz:,.0f} Hz by this computer's clock"),
            "flash": f"{info.wait_states} wait states",
            "on": ", ".join(flag for flag in FLAGS if flag in info.flags),
            "stack": f"{info.stack_high_water} of {info.stack_size} bytes used",
        }
        for name, text in lines.items():
            print(f"{name:8} {text}")
        check(args.board, info, int(program.get("clock_hz", 0)), "flash it again")
        if not channel.virtual and abs(hz / info.clock_hz - 1) > TOLERANCE:
            got = f"{hz:,.0f} Hz"
            raise BoardError("the crystal is not the expected one", expected=f"{info.clock_hz:,} Hz", got=got)
    return 0


def _modem(args: argparse.Namespace) -> int:
    """Passes commands on; a network is joined with AT+CWJAP and stays in the modem's memory."""
    from bench.boards.modem import AFTER_RESET, Event, Line

    with _connection(args.board) as channel:
        line = Line(channel)
        line.wake(AFTER_RESET)
        for command in args.command:
            event, said = line.ask(command, 20_000)
            print(said.strip() or event.name.lower())
            if event != Event.OK:
                return 1
    return 0


@contextmanager
def _connection(url: str) -> Iterator[Channel]:
    """To whatever firmware of ours runs on a board."""
    from bench.boards.device import BAUD

    with closing(open_port(url, BAUD)) as port:
        yield Channel(port, url.partition("?")[0], BAUD, is_emulated(url))
