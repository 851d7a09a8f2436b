"""What every figure has: rows in results/NAME.csv, a drawing and a table made from those rows alone."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path

from bench.cli import Command
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
