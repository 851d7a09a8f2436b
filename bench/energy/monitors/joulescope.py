"""Joulescope JS110 and JS220 by the maker's package: current and voltage, two million samples a second.

The board's pin goes to input 0. The package is an extra: pip install joulescope.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.energy.monitors.base import Monitor, Samples
from bench.errors import MonitorError

FULL_SCALE = 3.0  # ampere, for longer than a moment
FIELDS = ["current", "voltage", "current_range", "current_lsb"]
WAIT_S = 0.02
OFF = 7  # the range of an instrument that is switched off


def open_joulescope(port: str, volt: float) -> Joulescope:
    """port is empty: the only one that is plugged in; volt is measured."""
    try:
        import joulescope
    except ImportError:
        raise MonitorError("the package joulescope is not installed", do="pip install joulescope==1.5.0") from None
    try:
        device = joulescope.scan_require_one(config="auto")
        device.open()
    except Exception as error:
        raise MonitorError(f"no Joulescope ({error})", do="plug in exactly one, and close other programs") from None
    return Joulescope(device)


class Joulescope(Monitor):
    """device: of the package, open. Its stream buffer holds a capture whole."""

    def __init__(self, device: Any) -> None:
        self.device, self.name = device, str(device)
        for name, value in {"i_range": "auto", "v_range": "15V", "current_lsb": "gpi0"}.items():
            device.parameter_set(name, value)

    def start(self) -> None:
        self.device.start()
        self._taken: int | None = None

    def read(self) -> Samples | None:
        buffer = self.device.stream_buffer
        first, last = buffer.sample_id_range
        if self._taken is None:
            self._taken = first
        if first > self._taken:
            raise MonitorError(f"{self.name}: samples were overwritten before they were read", do="measure again")
        if last <= self._taken:
            time.sleep(WAIT_S)
            return None
        signals = buffer.samples_get(self._taken, last, fields=FIELDS)["signals"]
        self._taken = last
        ampere, volt, ranges, pin = (np.asarray(signals[name]["value"]) for name in FIELDS)
        if (ranges == OFF).any():
            raise MonitorError(f"{self.name}: it is switched off", do="switch it on and measure again")
        ampere = np.where(np.isfinite(volt), ampere, np.nan).astype(float)
        volt = np.where(np.isfinite(volt), volt, np.nanmean(volt) if np.isfinite(volt).any() else 0.0)
        with np.errstate(invalid="ignore"):
            clipped = np.abs(ampere) >= FULL_SCALE
        rate = float(self.device.output_sampling_frequency)
        return Samples(rate, ampere, volt.astype(float), pin.astype(bool), clipped, FULL_SCALE)

    def stop(self) -> Sequence[Samples]:
        self.device.stop()
        last = self.read()
        return [last] if last else []

    def close(self) -> None:
        self.device.close()
