"""Nordic's Power Profiler Kit II, as an ampere meter in the board's supply: 100,000 samples a second and eight inputs.

The board's pin goes to input D0. Protocol as in Nordic's own program (pc-nrfconnect-ppk, src/device/serialDevice.ts):
one command byte with arguments; each sample is a little-endian word, bits 0-13 converter, 14-16 range, 18-23 counter,
24-31 inputs; the calibration comes as lines "R0: 1003.35" that "END" follows.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.boards.ports import open_port
from bench.energy.monitors.base import STOP_S, Monitor, Samples
from bench.errors import MonitorError

RATE_HZ, BAUD = 100_000, 115_200
START, STOP, RUNNING, REGULATOR, MODE, METADATA = 0x06, 0x07, 0x0C, 0x0D, 0x11, 0x19
AMPERE_METER = 1
RANGES, CODES, COUNTERS = 5, 1 << 14, 64
STEP_V = 1.8 / 163840  # of the converter, whose codes count four
SETTLING = 3  # samples after a change of range that Nordic's program does not trust either
FULL_SCALE = 1.0  # ampere
DEFAULTS = {"O": 0.0, "S": 0.0, "I": 0.0, "GS": 1.0, "GI": 1.0, "UG": 1.0}
RESISTORS = "R"


def open_ppk2(port: str, volt: float) -> Ppk2:
    return Ppk2(open_port(port, BAUD), port, volt)


class Ppk2(Monitor):
    """Raises MonitorError where the other side is no PPK2."""

    def __init__(self, port: Any, name: str, volt: float) -> None:
        self.port, self.name, self.volt = port, name, volt
        self._reset()
        self.port.timeout = 0.1
        self.port.write(bytes([STOP]))
        self.port.reset_input_buffer()
        self.modifiers = self._calibration()
        millivolt = round(1000 * volt)
        for command in ([MODE, AMPERE_METER], [REGULATOR, millivolt >> 8, millivolt & 0xFF], [RUNNING, 1]):
            self.port.write(bytes(command))

    def _reset(self) -> None:
        self._rest = b""
        self._counter: int | None = None
        self._range: int | None = None
        self._settling = 0  # samples that are still not to be trusted

    def start(self) -> None:
        self._reset()
        self.port.reset_input_buffer()
        self.port.write(bytes([START]))

    def read(self) -> Samples | None:
        self._rest += self.port.read(max(4, self.port.in_waiting))
        whole = len(self._rest) // 4 * 4
        words = np.frombuffer(self._rest[:whole], "<u4")
        self._rest = self._rest[whole:]
        return self._samples(words) if len(words) else None

    def stop(self) -> Sequence[Samples]:
        self.port.write(bytes([STOP]))
        parts: list[Samples] = []
        deadline = time.monotonic() + STOP_S
        while time.monotonic() < deadline:
            part = self.read()
            if part is None:
                return parts
            parts.append(part)
        raise MonitorError(f"{self.name}: samples go on after the stop", do="plug it out and in again")

    def close(self) -> None:
        self.port.close()

    def _calibration(self) -> dict[str, np.ndarray]:
        """Modifier -> one value per range."""
        self.port.write(bytes([METADATA]))
        text, deadline = b"", time.monotonic() + STOP_S
        while b"END" not in text and time.monotonic() < deadline:
            text += self.port.read(max(1, self.port.in_waiting))
        found = dict(re.findall(r"^([A-Z]+\d): (-?[\d.]+)\s*$", text.decode("ascii", "replace"), re.MULTILINE))
        missing = [f"{RESISTORS}{i}" for i in range(RANGES) if float(found.get(f"{RESISTORS}{i}", 0)) <= 0]
        if b"END" not in text or missing:
            expected = "its calibration, with resistors R0 to R4"
            raise MonitorError(f"{self.name} is no Power Profiler Kit II", expected=expected, got=text[:60])
        values = {RESISTORS: [float(found[f"{RESISTORS}{i}"]) for i in range(RANGES)]}
        for name, default in DEFAULTS.items():
            values[name] = [float(found.get(f"{name}{i}", default)) for i in range(RANGES)]
        return {name: np.array(of_ranges) for name, of_ranges in values.items()}

    def _samples(self, words: np.ndarray) -> Samples:
        codes, ranges = (words & (CODES - 1)).astype(int), (words >> 14 & 7).astype(int)
        if ranges.max() >= RANGES:
            raise MonitorError(f"{self.name}: range of a sample", expected=f"0 to {RANGES - 1}", got=int(ranges.max()))
        before = self._range if self._range is not None else int(ranges[0])
        changed = np.flatnonzero(np.diff(ranges, prepend=before))
        ampere = self._ampere(codes, ranges)
        for place in changed:
            ampere[place : place + SETTLING] = np.nan
        ampere[: self._settling] = np.nan
        ends = int(changed[-1]) + SETTLING if len(changed) else self._settling
        self._range, self._settling = int(ranges[-1]), max(0, ends - len(words))
        gaps = self._gaps((words >> 18 & (COUNTERS - 1)).astype(int))
        places = np.repeat(np.arange(len(words)), gaps)  # lost samples, in front of the one that came
        high = np.insert((words >> 24 & 1).astype(bool), places, False)
        if len(places):  # the pin is as in the sample before
            came = np.insert(np.ones(len(words), bool), places, False)
            high = high[np.maximum.accumulate(np.where(came, np.arange(len(came)), 0))]
        ampere = np.insert(ampere, places, np.nan)
        clipped = np.insert(codes == CODES - 1, places, False)
        return Samples(RATE_HZ, ampere, np.full(len(ampere), self.volt), high, clipped, FULL_SCALE)

    def _ampere(self, codes: np.ndarray, ranges: np.ndarray) -> np.ndarray:
        """Nordic's formula: offset, shunt, gains of second order, and what the supply voltage adds."""
        m = {name: values[ranges] for name, values in self.modifiers.items()}
        plain = (4 * codes - m["O"]) * STEP_V / m[RESISTORS]
        return np.asarray(m["UG"] * (plain * (m["GS"] * plain + m["GI"]) + m["S"] * self.volt + m["I"]))

    def _gaps(self, counters: np.ndarray) -> np.ndarray:
        """How many samples are missing in front of each. The counter cannot see a multiple of 64."""
        first = (int(counters[0]) - 1 if self._counter is None else self._counter) % COUNTERS
        gaps = (np.diff(counters, prepend=first) - 1) % COUNTERS
        self._counter = int(counters[-1])
        if np.count_nonzero(gaps) > max(4, len(gaps) // 100):
            raise MonitorError(
                f"{self.name}: the stream is out of step", expected="a counter that rises by one", do="measure again"
            )
        return gaps
