"""Rows without a paper's value beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench import results, stats
from bench.results import Row


@dataclass(frozen=True)
class Maker:
    """Rows of one data set, method and protocol (`key`, as Case.key)."""

    figure: str
    key: tuple[str, str, str]

    def number(
        self, metric: str, value: float, unit: str, n: int, spread: tuple[Any, Any] = (None, None), **conditions: Any
    ) -> Row:
        """A row that is there already as a number."""
        return Row(
            self.figure, *self.key, results.conditions(conditions), metric, float(value), *spread, unit, "measured",
            "live", n, None, None, "no_paper_value",
        )  # fmt: skip

    def mean(self, metric: str, values: Sequence[float], unit: str, **conditions: Any) -> Row:
        """The mean of one value per image, with its bootstrap interval."""
        array = np.asarray(values, float)
        return self.number(metric, array.mean(), unit, len(array), stats.interval([array]), **conditions)

    def share(self, metric: str, hits: Sequence[bool] | Sequence[int], **conditions: Any) -> Row:
        """Percent of images for which something holds, with Wilson's interval."""
        return self.counted(metric, int(np.sum(hits)), len(hits), **conditions)

    def counted(self, metric: str, hits: int, n: int, **conditions: Any) -> Row:
        """As `share`, of hits that are counted already."""
        low, high = stats.proportion(hits, n)
        return self.number(metric, 100 * hits / n, "percent", n, (100 * low, 100 * high), **conditions)


def spread(row: Row) -> tuple[float, float]:
    """The interval, or twice the value where there is none. It holds the value, whatever rounding does."""
    low, high = (row.value if end is None else end for end in (row.ci_low, row.ci_high))
    return min(low, row.value), max(high, row.value)
