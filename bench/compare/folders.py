"""Two results folders side by side: which numbers differ, and whether by more than their intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import DataError
from bench.figures.rows import spread
from bench.results import Key, Row, read

SAME = 1e-6  # relative: the files hold seven digits


@dataclass(frozen=True)
class Pair:
    """One number in both folders."""

    first: Row
    second: Row

    @property
    def same(self) -> bool:
        return abs(self.first.value - self.second.value) <= SAME * max(abs(self.first.value), abs(self.second.value))

    @property
    def apart(self) -> bool:
        """Their 95 % intervals do not meet. Without intervals: the values differ."""
        low, high = spread(self.first)
        other_low, other_high = spread(self.second)
        return not self.same and (low > other_high or other_low > high)


@dataclass(frozen=True)
class Folders:
    """pairs: numbers that both have; only_first, only_second: how many one alone has."""

    pairs: Sequence[Pair]
    only_first: int
    only_second: int

    @classmethod
    def of(cls, first: Path, second: Path, figures: Sequence[str]) -> Folders:
        """figures: names of those to compare. Raises DataError for nothing to compare, or a damaged file."""
        tables = [_rows(folder, figures) for folder in (first, second)]
        common = sorted(set(tables[0]) & set(tables[1]))
        if not common:
            raise DataError(f"{first} and {second} have no number in common", expected="two folders of FIGURE.csv")
        pairs = [Pair(tables[0][key], tables[1][key]) for key in common]
        return cls(pairs, len(tables[0]) - len(common), len(tables[1]) - len(common))

    def text(self) -> str:
        """The numbers that differ, those that differ by more than their intervals marked; then how many are equal."""
        import pandas as pd

        lines = [
            (
                row.figure,
                f"{row.dataset}, {row.method}" + f" ({row.protocol})" * (row.protocol != "paper"),
                row.conditions.replace(";", " ") or "-",
                row.metric,
                f"{row.value:.5g}",
                f"{pair.second.value:.5g}",
                f"{pair.second.value - row.value:+.4g}",
                f"{pair.second.value / row.value:.3f}" if row.value else "-",
                "apart" if pair.apart else "",
            )
            for pair in self.pairs
            if not pair.same
            for row in (pair.first,)
        ]
        header = ["figure", "of", "conditions", "metric", "first", "second", "difference", "ratio", "intervals"]
        table = pd.DataFrame(lines, columns=header).to_string(index=False) + "\n\n" if lines else ""
        apart = sum(pair.apart for pair in self.pairs)
        return (
            f"{table}{len(self.pairs)} numbers in both: {len(self.pairs) - len(lines)} equal, {len(lines)} differ, "
            f"{apart} by more than their intervals; "
            f"{self.only_first} in the first alone, {self.only_second} in the second"
        )


def _rows(folder: Path, figures: Sequence[str]) -> dict[Key, Row]:
    if not folder.is_dir():
        raise DataError(f"no folder {folder}", expected="a folder that holds FIGURE.csv files")
    return {row.key: row for name in figures for row in read(folder / f"{name}.csv")}
