"""What every figure has: rows in results/NAME.csv, a drawing and a table made from those rows alone."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path

from bench import registry
from bench.cli import Command, out_folder
from bench.errors import UnknownName
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


def figures(names: Sequence[str] = ()) -> list[Figure]:
    """Those with these names, or every figure of the registry: targets named fig..., table... Raises UnknownName."""
    targets = [name for name in registry.COMMANDS if name.startswith(("fig", "table"))]
    known = {name: command for name in targets if isinstance(command := registry.command(name), Figure)}
    for name in names:
        if name not in known:
            raise UnknownName("figure", name, known)
    return [known[name] for name in names or known]


def make_folder(folder: Path) -> None:
    """Raises DataError where that cannot be."""
    out_folder(str(folder)).mkdir(parents=True, exist_ok=True)
