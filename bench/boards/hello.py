"""What a firmware says about itself, and whether it is the one that is wanted, as it should be."""

from __future__ import annotations

import json
import struct

from bench.boards.base import Info
from bench.boards.protocol import PAYLOAD, VERSION, Channel, Type
from bench.errors import BoardError

HELLO = struct.Struct("<10I12s16s")
READ_INFO = 0xFFFF
FLAGS = ("instruction cache", "data cache", "ART", "prefetch", "cycle counter")  # core_flags() in bench/firmware/core.c
LONGEST_INFO = 1 << 16  # bytes of the firmware's description
CLOCK_FAULTS = ("", "no crystal", "no voltage scaling", "no PLL lock", "no over-drive", "no switch-over")


class OtherFirmware(BoardError):
    """The board is silent, speaks something else or runs another program: flashing helps."""


def greet(channel: Channel) -> Info:
    """Raises OtherFirmware for silence, junk or a firmware that is not of this kind."""
    name = channel.name
    try:
        raw = channel.ask(Type.HELLO)
    except BoardError as error:
        raise OtherFirmware(error.problem, expected=error.expected, got=error.got, do=error.do) from None
    version = int.from_bytes(raw[:4], "little")
    if version != VERSION:
        raise OtherFirmware(f"{name}: protocol version", expected=VERSION, got=version, do="flash the right firmware")
    if len(raw) != HELLO.size:
        raise OtherFirmware(
            f"{name}: hello", expected=f"{HELLO.size} bytes", got=len(raw), do="flash the right firmware"
        )
    _, clock, _, fault, flags, device, size, used, info_bytes, cycles, unique, build = HELLO.unpack(raw)
    try:
        program = json.loads(fetch(channel, READ_INFO, info_bytes)) if info_bytes <= LONGEST_INFO else None
    except (ValueError, RecursionError):
        program = None
    if not isinstance(program, dict):
        raise OtherFirmware(f"{name}: the firmware's description is damaged", do="flash it again")
    named = frozenset(text for bit, text in enumerate(FLAGS) if flags >> bit & 1)
    text = build.decode("ascii", "replace")
    return Info(text, clock, fault, named, flags >> 8 & 0xF, device, unique.hex(), size, used, cycles, program)


def fetch(channel: Channel, index: int, count: int) -> bytes:
    """The first `count` bytes of the firmware's buffer number `index`."""
    parts = []
    for offset in range(0, count, PAYLOAD):
        size = min(PAYLOAD, count - offset)
        part = channel.ask(Type.READ, struct.pack("<3I", index, offset, size), expect=size)
        if len(part) != size:
            raise BoardError(f"{channel.name}: read", expected=f"{size} bytes", got=len(part))
        parts.append(part)
    return b"".join(parts)


def check(name: str, info: Info, clock_hz: int, do: str) -> None:
    """Raises BoardError unless the firmware runs at that clock, with all caches on and a cycle counter that counts."""
    if info.clock_hz != clock_hz:
        fault = CLOCK_FAULTS[info.clock_fault] if info.clock_fault < len(CLOCK_FAULTS) else str(info.clock_fault)
        got = f"{info.clock_hz:,} Hz" + (f" ({fault})" if fault else "")
        raise BoardError(f"{name} runs at another clock", expected=f"{clock_hz:,} Hz", got=got, do=do)
    missing = [flag for flag in FLAGS if flag not in info.flags]
    if missing:
        expected = f"{', '.join(FLAGS)} on"
        raise BoardError(f"{name}: caches and counters", expected=expected, got=f"{', '.join(missing)} off", do=do)
    if info.cycles == 0:
        raise BoardError(f"{name}: the cycle counter stands still", do="switch the board off and on, then try again")
