"""What every figure has: rows in results/NAME.csv, a drawing and a table made from those rows alone."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path

from bench import registry
from bench.cli import Command
from bench.errors import DataError
from bench.provenance import ROOT
from bench.results import Row

RESULTS = ROOT / "results"


class Figure(Command):
    """A target that measures and draws. `plot` calls draw and table with recorded rows: neither measures anything."""

    name: str

    @abstractmethod
    def draw(self, rows: Sequence[Row], folder: Path) -> list[Path]:
        """Writes the drawing into folder and returns its files."""

    @abstractmethod
    def table(self, rows: Sequence[Row]) -> str:
        """The same numbers as text for a terminal."""


def figures() -> list[Figure]:
    """Every figure of the registry: targets named fig..., table..."""
    names = [name for name in registry.COMMANDS if name.startswith(("fig", "table"))]
    return [command for command in map(registry.command, names) if isinstance(command, Figure)]


def make_folder(folder: Path) -> None:
    """Raises DataError where that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"--out {folder}: {error.strerror}", expected="a folder that can be written") from None
