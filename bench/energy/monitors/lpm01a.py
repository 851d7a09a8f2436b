"""ST's X-NUCLEO-LPM01A: supplies the board itself, up to 50 mA, 100,000 samples a second (UM2269).

Its own trigger input D7 is the board's pin D7, so samples start at the rising edge. 50 mA are less than an STM32F746
draws at 216 MHz: it measures one at 64 MHz, and says so (overcurrent) otherwise.

Commands are lines that "ack" or "err" answers. A sample is two bytes, most significant first: mantissa (12 bits) /
16^exponent (4 bits), in ampere. 0xF0 and a type start a message in the stream, 0xFF 0xFF ends it.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.boards.ports import open_port
from bench.energy.monitors.base import STOP_S, Monitor, Samples
from bench.errors import MonitorError

BAUD, RATE_HZ = 3_686_400, 100_000
FULL_SCALE = 0.050  # ampere
MESSAGE, END = 0xF0, b"\xff\xff"
ERROR, INFO, TIMESTAMP, FINISHED, OVERCURRENT, POWER_DOWN, VOLTAGE = range(0xF1, 0xF8)
FIXED = {TIMESTAMP: 5, FINISHED: 0, OVERCURRENT: 0, POWER_DOWN: 0, VOLTAGE: 2}  # bytes between type and end
LONGEST = 128  # bytes of a text
SLACK_S = 0.002  # by which samples may be behind a time stamp: bounded then, an error above


def open_lpm01a(port: str, volt: float) -> Lpm01a:
    return Lpm01a(open_port(port, BAUD), port, volt)


class Lpm01a(Monitor):
    """Raises MonitorError for a refusal, with its words, and where the other side does not answer."""

    triggers = True

    def __init__(self, port: Any, name: str, volt: float) -> None:
        self.port, self.name, self.volt = port, name, volt
        self.port.timeout = 0.1
        self._reset()
        for command in (
            "htc", f"volt {round(1000 * volt)}m", f"freq {RATE_HZ // 1000}k", "acqtime inf", "acqmode dyn",
            "funcmode high", "output current", "format bin_hexa", "trigsrc d7", "pwr on",
        ):  # fmt: skip
            self._command(command)

    def start(self) -> None:
        self._reset()
        self._command("start")

    def read(self) -> Samples | None:
        self._rest += self.port.read(max(2, self.port.in_waiting))
        return self._parse()

    def stop(self) -> Sequence[Samples]:
        self.port.write(b"stop\n")
        parts, deadline = [], time.monotonic() + STOP_S
        while not self._finished:
            if time.monotonic() > deadline:
                raise MonitorError(f"{self.name}: no end after the stop", do="plug it out and in again")
            part = self.read()
            if part is not None:
                parts.append(part)
        self.port.reset_input_buffer()
        return parts

    def close(self) -> None:
        self.port.write(b"hrc\n")
        self.port.close()

    def _reset(self) -> None:
        self._rest, self._count, self._finished = b"", 0, False
        self._behind = 0  # samples that the time stamps count and that did not come

    def _command(self, command: str) -> None:
        self.port.write(command.encode() + b"\n")
        said, deadline = b"", time.monotonic() + STOP_S
        verb = command.split()[0].encode()
        while time.monotonic() < deadline:
            said += self.port.read_until(b"\n")
            if not said.endswith(b"\n"):
                continue
            line = said.strip().removeprefix(b"PowerShield > ")
            if line.startswith(b"ack " + verb):
                return
            if line.startswith(b"err"):
                raise MonitorError(f"{self.name}: refused {command!r}", got=line.decode("ascii", "replace"))
            said = b""
        raise MonitorError(f"{self.name}: no answer to {command!r}", expected=f"ack {verb.decode()}", got=said[:40])

    def _parse(self) -> Samples | None:
        """Samples from what has come; what is not whole stays."""
        data, place, found = self._rest, 0, []
        while place + 2 <= len(data) and not self._finished:
            first, second = data[place], data[place + 1]
            if first >> 4 != 0xF:
                found.append(((first & 0xF) << 8 | second) / 16.0 ** (first >> 4))
                place += 2
            elif first == MESSAGE and second >= ERROR:
                size = self._message(second, data[place + 2 : place + 4 + LONGEST], self._count + len(found))
                if size is None:
                    break
                place += 2 + size
            else:
                raise MonitorError(f"{self.name}: the stream is out of step", got=data[place : place + 8].hex(" "))
        self._rest = data[place:]
        self._count += len(found)
        if not found:
            return None
        ampere = np.array(found)
        clipped = ampere >= FULL_SCALE
        return Samples(RATE_HZ, ampere, np.full(len(ampere), self.volt), None, clipped, FULL_SCALE, self._behind)

    def _message(self, kind: int, data: bytes, count: int) -> int | None:
        """Bytes of a message behind its type; None if it is not whole yet. count: samples in front of it."""
        if kind in FIXED:
            size = FIXED[kind]
            if len(data) < size + 2:
                return None
        else:
            size = data.find(END)
            if size < 0 and len(data) < LONGEST:
                return None
        if size < 0 or kind > VOLTAGE or data[size : size + 2] != END:
            raise MonitorError(f"{self.name}: a damaged message", got=f"type {kind:#x}: {data[:8].hex(' ')}")
        if kind == ERROR:
            raise MonitorError(f"{self.name}: error while measuring", got=data[:size].decode("ascii", "replace"))
        if kind == OVERCURRENT:
            do = "run the board at 64 MHz, or take a monitor for larger currents"
            raise MonitorError(f"{self.name}: overcurrent", expected=f"at most {1000 * FULL_SCALE:g} mA", do=do)
        if kind == POWER_DOWN:
            raise MonitorError(f"{self.name}: the board's supply went off while measuring")
        if kind == TIMESTAMP:
            self._check_time(int.from_bytes(data[:4], "big"), data[4], count)
        self._finished |= kind == FINISHED
        return size + 2

    def _check_time(self, stamp: int, load: int, count: int) -> None:
        """Raises MonitorError where its buffer ran over or samples are missing since the start."""
        milliseconds, overflow = stamp & 0x7FFFFFFF, stamp >> 31
        missing = milliseconds * RATE_HZ // 1000 - count
        self._behind = max(self._behind, missing)
        if overflow or load >= 100 or missing > SLACK_S * RATE_HZ:
            got = f"buffer {load} % full, {max(0, missing)} samples missing after {milliseconds} ms"
            raise MonitorError(
                f"{self.name}: samples were lost", got=got, do="plug it into a port without other traffic"
            )
