"""Records of one data set and method -> rows of fig_latency: statistics over images, the paper's values, verdicts."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from bench import stats
from bench.method import Label, Record
from bench.paper import Paper, beside
from bench.results import Row

FIGURE = "fig_latency"
ASSUMED = ":paper_matched"  # ends methods whose device time is made to fit the paper's: no verdict on it
Interval: TypeAlias = tuple[float, float] | tuple[None, None]


@dataclass(frozen=True)
class Hits:
    """How many of the n images of a test split are classified correctly; `source` live or recorded."""

    hits: int
    n: int
    source: str = "live"

    @property
    def percent(self) -> float:
        return 100 * self.hits / self.n


@dataclass(frozen=True)
class Latency:
    """The rows of one data set and method. full: accuracy on the whole test split, None if not known.

    Times and bytes are means over images; for the server's time see `typical`. total is the sum of the four values
    shown.
    """

    records: Sequence[Record]
    full: Hits | None
    conditions: str
    paper: Paper
    comparable: bool

    def rows(self) -> list[Row]:
        """One row per metric; `accuracy` only where the whole test split is known."""
        first, n = self.records[0], len(self.records)
        local, compress, network, remote = parts = [
            self._all(f"{p}_ms") for p in ("local", "compress", "network", "remote")
        ]
        sample = Hits(sum(record.prediction == record.label for record in self.records), n)
        serial = self._all("serial_ms")
        up, down = self._all("payload_up"), self._all("payload_down")
        return [
            *([self._accuracy("accuracy", self.full, "measured")] if self.full else []),
            self._accuracy("accuracy_sample", sample, first.label_device),
            self._row("local", "ms", np.mean(local), stats.interval([local]), first.label_device, n),
            self._row("compress", "ms", np.mean(compress), stats.interval([compress]), first.label_device, n),
            self._row("network", "ms", np.mean(network), stats.interval([network]), first.label_network, n),
            *(
                [self._row("serial", "ms", np.mean(serial), stats.interval([serial]), first.label_device, n)]
                if serial.any()
                else []
            ),
            self._row("remote", "ms", typical(remote), stats.interval([remote], typical), first.label_remote, n),
            self._row("total", "ms", total(local, compress, network, remote), stats.interval(parts, total), "mixed", n),
            self._row("payload_up", "bytes", np.mean(up), stats.interval([up]), first.label_device, n),
            self._row("payload_down", "bytes", np.mean(down), stats.interval([down]), first.label_device, n),
        ]

    def _all(self, field: str) -> np.ndarray:
        return np.array([getattr(record, field) for record in self.records], float)

    def _accuracy(self, metric: str, found: Hits, label: Label) -> Row:
        low, high = stats.proportion(found.hits, found.n)
        return self._row(metric, "percent", found.percent, (100 * low, 100 * high), label, found.n, found.source)

    def _row(
        self,
        metric: str,
        unit: str,
        value: float | np.ndarray,
        spread: Interval,
        label: Label,
        n: int,
        source: str = "live",
    ) -> Row:
        low, high = spread
        row = Row(
            FIGURE, *self._case(), self.conditions, metric, float(value), low, high, unit, label, source, n, None, None,
            "no_paper_value",
        )  # fmt: skip
        assumed = metric in ("local", "total") and self.records[0].method.endswith(ASSUMED)
        comparable, gap = self.comparable and not assumed, 0.0 if unit == "percent" else self._gap()
        return beside(row, self._paper(metric), comparable=comparable, gap=gap)

    def _case(self) -> tuple[str, str, str]:
        first = self.records[0]
        return first.dataset, first.method, first.protocol

    def _paper(self, metric: str) -> float | None:
        return self.paper.value(FIGURE, *self._case(), self.conditions, metric)

    def _gap(self) -> float | None:
        """Our accuracy minus the paper's, in points; None if one is unknown."""
        reference = self._paper("accuracy")
        return None if self.full is None or reference is None else self.full.percent - reference


def typical(remote: np.ndarray, axis: int = -1) -> np.ndarray:
    """The server's time for a mean image: the median over the images that were sent, times their share.

    A median, because the server's process shares a computer with others.
    """
    sent = remote > 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # none was sent
        middle = np.nanmedian(np.where(sent, remote, np.nan), axis=axis)
    return np.asarray(np.nan_to_num(middle) * sent.mean(axis=axis))


def total(
    local: np.ndarray, compress: np.ndarray, network: np.ndarray, remote: np.ndarray, axis: int = -1
) -> np.ndarray:
    """Means of the device's and the link's times plus the server's, along axis."""
    return np.asarray(np.mean(local + compress + network, axis=axis) + typical(remote, axis))
