"""The records that a figure has already: rows and the stamps of the runs that made them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from bench import results
from bench.boards.emulator.timing.parameters import VERSION
from bench.figures.cases import Case
from bench.results import Row


class Recorded:
    """results/FIGURE.csv and its stamps; both may be absent."""

    def __init__(self, path: Path) -> None:
        """Raises DataError for a damaged table."""
        self.rows = results.read(path)
        self.stamps = results.read_stamps(stamps_of(path))

    def stamp(self, row: Row) -> dict[str, Any] | None:
        """Where a row comes from, if that is known."""
        return self.stamps["stamps"].get(self.stamps["rows"].get("|".join(row.key), ""))

    def keep(self, cases: Sequence[Case]) -> int:
        """Drops the rows that another training of a deployment in use made; returns how many."""
        current = {case.key: case.identity for case in cases}
        before, kept = len(self.rows), []
        for row in self.rows:
            now, stamp = current.get((row.dataset, row.method, row.protocol)), self.stamp(row)
            inputs = stamp["inputs"] if stamp else {}
            if now is None or stamp is None or inputs.get("deployment", inputs.get("images")) == now:
                kept.append(row)
        self.rows = kept
        return before - len(kept)

    def outdated(self, rows: Iterable[Row]) -> list[str]:
        """Data set, method and protocol of the recorded rows that another version of the timing model made."""
        stamped = ((row, self.stamp(row) or {"inputs": {}}) for row in rows)
        found = {row.key[1:4] for row, stamp in stamped if _model(stamp) not in ("", VERSION)}
        return [" ".join(key) for key in sorted(found)]

    def accuracy(self, case: Case) -> Row | None:
        """A case's accuracy over the full test split, under any link and clock: it depends on neither."""
        rows = (row for row in self.rows if (row.dataset, row.method, row.protocol) == case.key)
        return next((row for row in rows if row.metric == "accuracy"), None)


def _model(stamp: dict[str, Any]) -> str:
    return str(stamp["inputs"].get("firmware", {}).get("timing_model", ""))


def stamps_of(path: Path) -> Path:
    """The stamps beside a table."""
    return path.with_suffix(".provenance.json")
