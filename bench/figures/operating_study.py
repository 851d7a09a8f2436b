"""A figure about methods under other links or clocks, from the cells of fig_latency."""

from __future__ import annotations

import argparse
from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.figures.study import Found, Study
from bench.results import Row

if TYPE_CHECKING:
    from bench.figures.cases import Case
    from bench.figures.operating_rows import OperatingRows

CLOCKS = (64_000_000, 128_000_000, 216_000_000)
RATES = (270e3, 2e6, 6e6)  # the paper's
FEWEST, MOST, STEPS = 50e3, 20e6, 25  # of a sweep, bits per second


def sweep() -> list[float]:
    """Rates at equal ratios, rounded to three digits, and the paper's among them."""
    ratio = (MOST / FEWEST) ** (1 / (STEPS - 1))
    return sorted({float(f"{FEWEST * ratio**i:.3g}") for i in range(STEPS)} | {*RATES})


class Sweep(Study):
    """Subclasses make the rows of each data set."""

    disk = "20 MB"
    variants = False
    clocks: tuple[int, ...] = CLOCKS[-1:]

    def measure(self, args: argparse.Namespace, cases: Sequence[Case]) -> Found:
        from bench.figures import operating
        from bench.figures.operating_rows import OperatingRows
        from bench.paper import published

        measured, notes = operating.measure(args, cases, self.name, self.clocks)
        found, paper = Found(notes=notes), published()
        for dataset in dict.fromkeys(case.dataset.name for case in cases):
            makers = [OperatingRows(self.name, one, paper) for one in measured if one.case.dataset.name == dataset]
            for maker, rows in zip(makers, self.rows_of(makers), strict=True):
                found.add(rows, maker.operating.stamp)
        return found

    @abstractmethod
    def rows_of(self, makers: Sequence[OperatingRows]) -> list[list[Row]]:
        """The rows of each of one data set's methods and clocks."""
