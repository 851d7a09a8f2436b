"""Rows about a deployment under a link and a clock: labels, intervals, the paper's values and verdicts."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from bench import results, stats
from bench.energy.bracket import total
from bench.figures.latency_rows import Hits
from bench.figures.operating import Operating
from bench.link import Link
from bench.method import Label
from bench.paper import Paper, beside
from bench.results import Row


@dataclass(frozen=True)
class OperatingRows:
    """Rows of `figure` about one deployment at one clock."""

    figure: str
    operating: Operating
    paper: Paper

    def row(
        self, metric: str, value: float, unit: str, label: Label, spread: tuple[Any, Any] = (None, None), **at: Any
    ) -> Row:
        """One without a paper's value. at: its conditions."""
        return Row(
            self.figure, *self.operating.case.key, results.conditions(at), metric, float(value), *spread, unit, label,
            "live", self.operating.n, None, None, "no_paper_value",
        )  # fmt: skip

    def accuracy(self, **at: Any) -> Row:
        """On the whole test split, else (metric accuracy_sample) on the images that the board ran."""
        found = self.operating.accuracy
        if self.operating.full is None:
            return self.counted("accuracy_sample", found, "emulated", **at)
        return self.counted("accuracy", found, "measured", **at)

    def counted(self, metric: str, found: Hits, label: Label, **at: Any) -> Row:
        """Percent of images, with Wilson's interval."""
        low, high = stats.proportion(found.hits, found.n)
        row = self.row(metric, found.percent, "percent", label, (100 * low, 100 * high), **at)
        return dataclasses.replace(row, n=found.n, source=found.source)

    def latency(self, link: Link, interval: bool = True, **at: Any) -> Row:
        """Mean over images, from frame to prediction; the server's time is one median."""
        values = self.operating.total_ms(link)
        spread = stats.interval([values]) if interval else (None, None)
        return self.row("total", values.mean(), "ms", "mixed", spread, **at)

    def energy(self, link: Link, *, bounds: bool = True, **at: Any) -> list[Row]:
        """Mean over images: typical, then the least and the most that the data sheets leave open."""
        found = total(self.operating.energy_mj(link).values())
        values = {"energy": found.typical} | ({"energy_low": found.low, "energy_high": found.high} if bounds else {})
        return [self.row(metric, value, "mJ", "modelled", **at) for metric, value in values.items()]

    def beside(self, row: Row, theirs: float | None, *, same_boundary: bool = True) -> Row:
        """With the paper's value; same_boundary False: it counts something else, so no verdict."""
        comparable = self.operating.case.comparable and same_boundary
        return beside(row, theirs, comparable=comparable, gap=self.gap())

    def theirs(self, figure: str, metric: str, **at: Any) -> float | None:
        """What the paper's figure says of this data set and method."""
        return self.paper.value(figure, *self.operating.case.key, results.conditions(at), metric)

    def gap(self) -> float | None:
        """Our accuracy minus the paper's (its Figure 16), in points; None if one is unknown."""
        reference = self.theirs("fig16", "accuracy")
        full = self.operating.full
        return None if full is None or reference is None else full.percent - reference
