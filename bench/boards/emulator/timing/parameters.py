"""The timing model's numbers, read from a calibration file; and the assumption about dual issue that a run makes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from bench.errors import BoardError, UnknownName

VERSION = "3"  # changes whenever the same program may cost other cycles
CALIBRATION = Path(__file__).with_name("calibration.json")

DEFAULT = "default"
NO_MAC_THEN_LOAD = "no_mac_then_load"  # an older multiply-accumulate never issues together with a younger load
NO_DUAL_ISSUE = "no_dual_issue"
ASSUMPTIONS = (DEFAULT, NO_MAC_THEN_LOAD, NO_DUAL_ISSUE)


def calibration_of(url: str) -> Path:
    """The calibration file that an emulated board's URL names, or the one that comes with the emulator."""
    named = parse_qs(urlsplit(url).query).get("calibration")
    return Path(named[-1]) if named else CALIBRATION


@dataclass(frozen=True)
class Core:
    """Pipeline, in cycles.

    fetch_ahead: fetch blocks of 8 bytes waiting in the queue after a taken branch; bank_conflict: mean cost of two
    loads in one cycle whose DTCM banks are unknown.
    """

    store_to_load: int
    fetch_ahead: int
    taken_bubble: int
    bank_conflict: float


@dataclass(frozen=True)
class Branch:
    """mispredict, taken_unknown (correct direction, target not in the BTAC): cycles; the rest: table sizes."""

    mispredict: int
    taken_unknown: int
    btac_entries: int
    history_bits: int
    counter_bits: int


@dataclass(frozen=True)
class Memory:
    """Cycles per event. *_line: a line of 32 bytes that misses (store_line: for a store); uncached_*: one access with
    its cache switched off; unaligned_load: one in any memory.
    """

    flash_line_at_7_wait_states: int
    art_line_at_7_wait_states: int
    sram_line: int
    store_line: int
    write_back: int
    uncached_fetch: int
    uncached_flash_read: int
    uncached_sram_read: int
    uncached_write: int
    unaligned_load: int


@dataclass(frozen=True)
class Parameters:
    """One calibration and one assumption."""

    name: str
    core: Core
    branch: Branch
    memory: Memory
    assumption: str = field(default=DEFAULT)

    @classmethod
    def load(cls, assumption: str = DEFAULT, path: Path = CALIBRATION) -> Parameters:
        """Raises BoardError for a damaged calibration file and UnknownName for an unknown assumption."""
        if assumption not in ASSUMPTIONS:
            raise UnknownName("dual-issue assumption", assumption, ASSUMPTIONS)
        try:
            raw = json.loads(path.read_text())
            parts = (_section(Core, raw["core"]), _section(Branch, raw["branch"]), _section(Memory, raw["memory"]))
            parameters = cls(str(raw["name"]), *parts, assumption=assumption)
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise BoardError(f"{path}: bad calibration ({error!r})", do="restore the file") from None
        branch = parameters.branch
        if not (0 < branch.btac_entries <= 1024 and 0 <= branch.history_bits <= branch.counter_bits <= 12):
            raise BoardError(
                f"{path}: branch tables out of range",
                expected="btac_entries <= 1024, history_bits <= counter_bits <= 12",
            )
        return parameters


def _section(kind: type[Any], values: dict[str, float]) -> Any:
    """An instance of `kind` from numbers of the right type, none negative."""
    names = {f.name: float if f.type == "float" else int for f in fields(kind)}
    for name, value in values.items():
        if not isinstance(value, (int, float)) or value < 0 or (names[name] is int and value != int(value)):
            raise ValueError(f"{name} = {value}")
    return kind(**{name: names[name](value) for name, value in values.items()})
