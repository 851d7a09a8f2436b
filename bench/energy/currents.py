"""currents.toml as an object: what processor and radio draw in each state."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from bench.energy.bracket import BOUNDS, Bracket
from bench.errors import DataError

PATH = Path(__file__).parent / "currents.toml"
PROCESSOR = ("run", "wait")
RADIO = ("off", "idle", "send", "listen", "receive")


@dataclass(frozen=True)
class Currents:
    """volt: of the supply; baud: of the serial line to the module; processor: state -> bound -> mA at each of `mhz`;
    radio: state -> mA.
    """

    volt: float
    baud: float
    mhz: tuple[float, ...]
    processor: dict[str, dict[str, tuple[float, ...]]]
    radio: dict[str, Bracket]

    @classmethod
    def load(cls, path: Path = PATH) -> Currents:
        """Raises DataError for a missing or damaged file, or a number without a source."""
        try:
            raw = tomllib.loads(path.read_text(encoding="utf-8"))
            mhz = tuple(float(value) for value in raw["processor"]["mhz"])
            processor = {
                state: {bound: _row(raw["processor"][state][bound], len(mhz)) for bound in BOUNDS}
                for state in PROCESSOR
            }
            radio = {state: Bracket(*(_number(raw["radio"][state][bound]) for bound in BOUNDS)) for state in RADIO}
            made = cls(float(raw["supply"]["volt"]), float(raw["uart"]["baud"]), mhz, processor, radio)
            if sorted(mhz) != [*mhz] or min(made.volt, made.baud) <= 0:
                raise ValueError("clocks rise, voltage and speed are above zero")
            for clock in mhz:
                for state in PROCESSOR:
                    made.drawn(state, clock * 1e6)
        except (OSError, UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
            raise DataError(f"{path}: damaged table of currents ({error})", do="restore it") from None
        return made

    def drawn(self, state: str, clock_hz: float) -> Bracket:
        """mA of the processor at a clock. Raises DataError outside the table."""
        mhz = clock_hz / 1e6
        if not self.mhz[0] <= mhz <= self.mhz[-1]:
            raise DataError(
                "no current is known at this clock", expected=f"{self.mhz[0]:g} to {self.mhz[-1]:g} MHz", got=f"{mhz:g}"
            )
        return Bracket(*(float(np.interp(mhz, self.mhz, self.processor[state][bound])) for bound in BOUNDS))


@cache
def standard() -> Currents:
    """Those of currents.toml."""
    return Currents.load()


def _number(entry: dict[str, Any]) -> float:
    if not entry["source"] or not entry["confidence"]:
        raise ValueError("a number without a source")
    return float(entry["ma"])


def _row(entry: dict[str, Any], columns: int) -> tuple[float, ...]:
    if not entry["source"] or not entry["confidence"] or len(entry["ma"]) != columns:
        raise ValueError(f"a row needs {columns} numbers and a source")
    return tuple(float(value) for value in entry["ma"])
