"""What every power monitor does: samples of current while something runs, with all that went wrong kept in them."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from bench.errors import MonitorError

T = TypeVar("T")
START_S, STOP_S = 5.0, 5.0


@dataclass(frozen=True)
class Samples:
    """Equally spaced in time, rate_hz. ampere: float64, NaN where a sample is lost or not to be trusted; volt: of each
    sample; high: the state of the board's pin, None where the monitor has no input for it (it then starts at its rising
    edge); full_scale: the largest current that can be measured; clipped: where that was reached; behind: how many
    samples are missing where nobody knows the place.
    """

    rate_hz: float
    ampere: np.ndarray
    volt: np.ndarray
    high: np.ndarray | None
    clipped: np.ndarray
    full_scale: float
    behind: int = 0

    @classmethod
    def joined(cls, parts: Sequence[Samples]) -> Samples:
        """One after the other. Raises MonitorError for none."""
        if not sum(len(part.ampere) for part in parts):
            raise MonitorError("the monitor gave no samples", do="check its wiring and that its output is on")
        first = parts[0]
        high = None if first.high is None else np.concatenate([part.high for part in parts if part.high is not None])
        ampere, volt, clipped = (
            np.concatenate([getattr(part, name) for part in parts]) for name in ("ampere", "volt", "clipped")
        )
        behind = max(part.behind for part in parts)
        return cls(first.rate_hz, ampere, volt, high, clipped, first.full_scale, behind)


class Monitor(ABC):
    """open -> capture ... -> close. One capture at a time."""

    name: str
    triggers = False  # True: samples start at the rising edge of the board's pin

    @abstractmethod
    def start(self) -> None:
        """Samples flow from now on, or from the next rising edge. Raises MonitorError."""

    @abstractmethod
    def read(self) -> Samples | None:
        """What has come since; waits at most a tenth of a second. Raises MonitorError for a broken stream."""

    @abstractmethod
    def stop(self) -> Sequence[Samples]:
        """No more samples; those that were still on their way."""

    @abstractmethod
    def close(self) -> None:
        """Gives the device back."""

    def capture(self, action: Callable[[], T]) -> tuple[T, Samples]:
        """Runs `action` while samples are read on a thread. Raises what either of them raises."""
        parts: list[Samples] = []
        failed: list[Exception] = []
        flowing, ended = threading.Event(), threading.Event()

        def drain() -> None:
            try:
                while not ended.is_set():
                    part = self.read()
                    if part is not None:
                        parts.append(part)
                        flowing.set()
            except Exception as error:
                failed.append(error)
                flowing.set()

        self.start()
        reader = threading.Thread(target=drain, name=f"samples of {self.name}")
        reader.start()
        try:
            if not self.triggers and not flowing.wait(START_S):
                raise MonitorError(f"{self.name}: no samples within {START_S:g} s", do="check that it is switched on")
            result = action()
        finally:
            ended.set()
            reader.join()
            last = self.stop()
        if failed:
            raise failed[0]
        return result, Samples.joined([*parts, *last])

    def __enter__(self) -> Monitor:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
