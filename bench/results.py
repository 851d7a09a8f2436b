"""Figure data: the one CSV contract that all figures and tables share, and the stamps that say where a row comes from.

results/FIGURE.csv has the columns of `Row`; its key (the first six) is unique. results/FIGURE.provenance.json names
the stamp (bench.provenance) of the run that made each row.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from bench.errors import DataError
from bench.files import replace
from bench.method import NAME

LABELS = ("measured", "emulated", "modelled", "mixed")
SOURCES = ("live", "recorded")
VERDICTS = ("agrees", "better", "worse", "not_comparable", "unmatched", "no_paper_value")
UNITS = ("percent", "ms", "bytes", "mJ", "kB", "ratio", "1")
METHOD = rf"{NAME}(:[a-z0-9_+=.,-]+)?"
CONDITIONS = r"(\w+=[\w.,:=+-]+(;\w+=[\w.,:=+-]+)*)?"
Key: TypeAlias = tuple[str, str, str, str, str, str]


@dataclass(frozen=True)
class Row:
    """One number of a figure. None stands for an empty cell; ci_* is the 95 % interval; ratio = value / paper_value."""

    figure: str
    dataset: str
    method: str
    protocol: str
    conditions: str
    metric: str
    value: float
    ci_low: float | None
    ci_high: float | None
    unit: str
    label: str
    source: str
    n: int
    paper_value: float | None
    ratio: float | None
    verdict: str

    @property
    def key(self) -> Key:
        return (self.figure, self.dataset, self.method, self.protocol, self.conditions, self.metric)

    @property
    def where(self) -> dict[str, str]:
        """The conditions by name."""
        return parts(self.conditions)


COLUMNS = tuple(f.name for f in dataclasses.fields(Row))


def conditions(values: Mapping[str, float | str]) -> str:
    """{"cpu_mhz": 216, "bandwidth_kbps": 6000} -> "bandwidth_kbps=6000;cpu_mhz=216"."""
    return ";".join(f"{k}={v if isinstance(v, str) else format(v, '.10g')}" for k, v in sorted(values.items()))


def parts(text: str) -> dict[str, str]:
    """What `conditions` joined, taken apart again; values stay text."""
    return dict(part.split("=", 1) for part in text.split(";") if part)


def read(path: Path) -> list[Row]:
    """The rows of a figure; an absent file has none. Raises DataError that names the line of a damaged one."""
    try:
        text = path.read_text(encoding="utf-8-sig")  # spreadsheet programs write a byte order mark
    except FileNotFoundError:
        return []
    except (UnicodeDecodeError, IsADirectoryError) as error:
        raise DataError(f"{path}: not a table of results ({error})", do=_repair(path)) from None
    try:
        lines = list(csv.reader(io.StringIO(text), strict=True))
    except csv.Error as error:
        raise DataError(f"{path}: not CSV ({error})", do=_repair(path)) from None
    if not lines or tuple(lines[0]) != COLUMNS:
        raise DataError(
            f"{path}: wrong header", expected=",".join(COLUMNS), got=",".join(lines[0]) if lines else "nothing",
            do=_repair(path),
        )  # fmt: skip
    rows = []
    for number, cells in enumerate(lines[1:], 2):
        try:
            rows.append(_row(cells))
        except ValueError as error:
            raise DataError(f"{path} line {number}: {error}", do=_repair(path)) from None
    _check_unique(rows, path)
    return rows


def write(path: Path, rows: Iterable[Row]) -> None:
    """Checks the rows, sorts them by key and replaces the file in one step."""
    ordered = sorted(rows, key=lambda row: row.key)
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(COLUMNS)
    for row in ordered:
        try:
            check(row)
        except ValueError as error:
            raise DataError(f"{path}: {error} in row {row.key}") from None
        table.writerow([_text(value) for value in dataclasses.astuple(row)])
    _check_unique(ordered, path)
    replace(path, out.getvalue())


def merge(recorded: Iterable[Row], live: Iterable[Row]) -> list[Row]:
    """Live rows replace those of the same key; the others are kept, marked as recorded."""
    fresh = {row.key: row for row in live}
    kept = {row.key: dataclasses.replace(row, source="recorded") for row in recorded if row.key not in fresh}
    return [*kept.values(), *fresh.values()]


def read_stamps(path: Path) -> dict[str, Any]:
    """{"rows": {key: id}, "stamps": {id: stamp}} of a figure, without stamps that are damaged; empty if absent.

    Raises DataError for a file that is damaged as a whole.
    """
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        rows, stamps = dict(raw["rows"]), dict(raw["stamps"])
    except FileNotFoundError:
        return {"rows": {}, "stamps": {}}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        do = "restore it (git), or delete it: its rows then have no stamp until they are measured again"
        raise DataError(f"{path}: damaged provenance ({type(error).__name__}: {error})", do=do) from None
    sound = {i: s for i, s in stamps.items() if isinstance(s, dict) and isinstance(s.get("inputs"), dict)}
    return {"rows": {key: i for key, i in rows.items() if isinstance(i, str) and i in sound}, "stamps": sound}


def write_stamps(path: Path, rows: Iterable[Row], recorded: dict[str, Any], live: Mapping[Key, dict[str, Any]]) -> None:
    """Keeps one stamp id per row of the figure: that of the live run, else the recorded one."""
    stamps = recorded["stamps"] | {stamp["id"]: stamp for stamp in live.values()}
    ids = recorded["rows"] | {"|".join(key): stamp["id"] for key, stamp in live.items()}
    ids = {name: ids[name] for name in sorted("|".join(row.key) for row in rows) if name in ids}
    used = {i: stamps[i] for i in sorted(set(ids.values())) if i in stamps}
    replace(path, json.dumps({"rows": ids, "stamps": used}, indent=1, default=str) + "\n")


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """One process at a time reads, merges and writes the records of a folder; another one waits."""
    import fcntl

    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def check(row: Row) -> None:
    """Raises ValueError that says which rule of the contract a row breaks."""
    for field, pattern in {"figure": NAME, "dataset": NAME, "method": METHOD, "protocol": NAME, "metric": NAME}.items():
        if not re.fullmatch(pattern, getattr(row, field), re.ASCII):
            raise ValueError(f"{field} {getattr(row, field)!r} is not a name")
    names = [part.partition("=")[0] for part in row.conditions.split(";")]
    if not re.fullmatch(CONDITIONS, row.conditions, re.ASCII) or names != sorted(set(names)):
        raise ValueError(f"conditions {row.conditions!r} are not key=value, sorted and joined by ';'")
    for field, allowed in {"unit": UNITS, "label": LABELS, "source": SOURCES, "verdict": VERDICTS}.items():
        if getattr(row, field) not in allowed:
            raise ValueError(f"{field} {getattr(row, field)!r} is none of {', '.join(allowed)}")
    numbers = (row.value, row.ci_low, row.ci_high, row.paper_value, row.ratio)
    if not all(number is None or math.isfinite(number) for number in numbers):
        raise ValueError("a number is not finite")
    if (row.ci_low is None) != (row.ci_high is None) or (row.ci_low or 0) > (row.ci_high or 0):
        raise ValueError("ci_low and ci_high are no interval")
    if row.n < 1:
        raise ValueError(f"n is {row.n}, not a count")
    if (row.paper_value is None) != (row.verdict == "no_paper_value"):
        raise ValueError(f"verdict {row.verdict} does not go with paper_value {row.paper_value}")
    if row.ratio is not None and (
        row.paper_value is None or not math.isclose(row.ratio * row.paper_value, row.value, rel_tol=1e-3, abs_tol=1e-9)
    ):
        raise ValueError("ratio is not value / paper_value")


def _row(cells: list[str]) -> Row:
    if len(cells) != len(COLUMNS):
        raise ValueError(f"{len(cells)} cells instead of {len(COLUMNS)}")
    raw = dict(zip(COLUMNS, cells, strict=True))
    parsed: dict[str, Any] = dict(raw)
    for name in ("value", "ci_low", "ci_high", "paper_value", "ratio"):
        parsed[name] = float(raw[name]) if raw[name] or name == "value" else None
    parsed["n"] = int(raw["n"])
    row = Row(**parsed)
    check(row)
    return row


def _text(value: object) -> str:
    return "" if value is None else format(value, ".7g") if isinstance(value, float) else str(value)


def _check_unique(rows: list[Row], path: Path) -> None:
    seen: set[Key] = set()
    for row in rows:
        if row.key in seen:
            raise DataError(f"{path}: two rows with the key {','.join(row.key)}", expected="one", do=_repair(path))
        seen.add(row.key)


def _repair(path: Path) -> str:
    return f"restore the file (git checkout -- {path}, where git has it) or delete it and run its target again"
