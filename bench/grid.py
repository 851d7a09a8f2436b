"""Cells: one measurement each, kept as a file named by the hash of its settings, so that a second run resumes.

A cell that is killed leaves nothing behind (temporary name, then rename); finished cells are never touched again.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.files import replace
from bench.provenance import text_hash
from bench.turns import Kind, turn


@dataclass(frozen=True)
class Cell:
    """One measurement: function(**settings, **inputs) -> JSON-able result.

    settings: everything that can change the result, as JSON values; they name the file. inputs: how to get at it
    (paths, a port), never what it is. function: importable by name, so that an executor may run it in another process.
    kind: "training" or "timing" where that matters to others (turns.py). The setting "board" names a port: one cell at
    a time has it.
    """

    function: Callable[..., Any]
    settings: Mapping[str, Any]
    inputs: Mapping[str, Any] = field(default_factory=dict, compare=False)
    title: str = ""
    kind: Kind = ""

    @cached_property
    def name(self) -> str:
        """24 hex digits."""
        return text_hash(f"{self.function.__module__}.{self.function.__qualname__}", self._settings)[:24]

    @property
    def _settings(self) -> str:
        return json.dumps(dict(self.settings), sort_keys=True)

    @property
    def port(self) -> str:
        """A board that others may want, too; an emulated one is this process's own."""
        board = str(self.settings.get("board", ""))
        return "" if board.startswith("emu:") else board

    def load(self, folder: Path) -> Any:
        """The kept result, or None if there is none that is whole and of these settings."""
        try:
            kept = json.loads((folder / f"{self.name}.json").read_text())
            return kept["result"] if kept["settings"] == json.loads(self._settings) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def measure(self, folder: Path) -> Any:
        """Runs the function in its turn and keeps its result."""
        with turn(self.kind, self.port):
            result = self.function(**self.settings, **self.inputs)
        text = json.dumps({"settings": dict(self.settings), "result": result})
        replace(folder / f"{self.name}.json", text)
        return json.loads(text)["result"]


def run(
    cells: Sequence[Cell],
    folder: Path,
    *,
    fresh: bool = False,
    measured: Collection[str] = (),
    executor: Executor | None = None,
) -> list[Any]:
    """Results of the cells, in order: kept ones are read, the others measured, one by one or on an executor.

    fresh: measure kept cells again, but those of the names `measured`. A failing cell raises its error; those finished
    before are kept. On an executor timing cells come last and one by one.
    """
    results = {cell.name: cell.load(folder) for cell in cells if not fresh or cell.name in measured}
    todo = {cell.name: cell for cell in cells if results.get(cell.name) is None}
    if executor is not None:
        results |= _spread([cell for cell in todo.values() if cell.kind != "timing"], folder, executor)
    for cell in _progress(cell for cell in todo.values() if results.get(cell.name) is None):
        results[cell.name] = cell.measure(folder)
    return [results[cell.name] for cell in cells]


def _spread(cells: Sequence[Cell], folder: Path, executor: Executor) -> dict[str, Any]:
    """Name -> result, all at once on an executor, with one bar."""
    from tqdm import tqdm

    folder = folder.absolute()
    futures = {executor.submit(cell.measure, folder): cell for cell in cells}
    try:
        done = tqdm(as_completed(futures), total=len(futures), unit="cell", desc="cells", disable=None, leave=False)
        return {futures[future].name: future.result() for future in done}
    finally:
        for future in futures:
            future.cancel()


def _progress(cells: Iterable[Cell]) -> Iterable[Cell]:
    """Announces each cell on stderr before it runs; the cell shows its own bar."""
    for cell in cells:
        if cell.title:
            print(cell.title, file=sys.stderr)
        yield cell
