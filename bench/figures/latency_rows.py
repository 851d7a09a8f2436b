"""Records of one data set and method -> the rows of fig_latency: statistics over images, the paper's values, verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench import stats
from bench.method import Label, Record
from bench.paper import Paper, ratio, verdict
from bench.results import Row

FIGURE = "fig_latency"
MEANS = ("local", "compress", "network")  # averaged over images like the paper's; remote is a median, see `total`


@dataclass(frozen=True)
class Hits:
    """How many of the n images of a test split are classified correctly; `source` live or recorded."""

    hits: int
    n: int
    source: str = "live"


def rows(
    records: Sequence[Record], full: Hits | None, conditions: str, paper: Paper, *, comparable: bool
) -> list[Row]:
    """All rows of one data set and method. full: accuracy on the whole test split, None if not known.

    Times and bytes are means over images; the server's time is a median, because its process shares a computer with others.
    total is the sum of the four values shown.
    """
    first = records[0]
    parts = {part: np.array([getattr(r, f"{part}_ms") for r in records]) for part in (*MEANS, "remote")}
    stacked = list(parts.values())
    n = len(records)

    def row(
        metric: str, unit: str, value: float, spread: tuple[float | None, float | None], label: Label, n: int, source: str = "live"
    ) -> Row:
        theirs = paper.value(FIGURE, first.dataset, first.method, first.protocol, conditions, metric)
        gap: float | None = 0.0
        if unit != "percent":
            reference = paper.value(FIGURE, first.dataset, first.method, first.protocol, conditions, "accuracy")
            gap = None if full is None or reference is None else 100 * full.hits / full.n - reference
        decided = verdict(unit, value, theirs, comparable=comparable, gap=gap)
        return Row(
            FIGURE, first.dataset, first.method, first.protocol, conditions, metric, value, *spread, unit, label, source, n,
            theirs, ratio(value, theirs), decided,
        )  # fmt: skip

    def accuracy(metric: str, found: Hits, label: Label) -> Row:
        low, high = stats.proportion(found.hits, found.n)
        return row(metric, "percent", 100 * found.hits / found.n, (100 * low, 100 * high), label, found.n, found.source)

    correct = sum(r.prediction == r.label for r in records)
    made = [accuracy("accuracy_sample", Hits(correct, n), first.label_device)]
    if full is not None:
        made.append(accuracy("accuracy", full, "measured"))
    labels = {"local": first.label_device, "compress": first.label_device, "network": first.label_network}
    for part in MEANS:
        made.append(row(part, "ms", float(parts[part].mean()), stats.interval([parts[part]]), labels[part], n))
    remote = parts["remote"]
    made.append(row("remote", "ms", float(np.median(remote)), stats.interval([remote], np.median), first.label_remote, n))
    made.append(row("total", "ms", float(total(*stacked)), stats.interval(stacked, total), "mixed", n))
    for way in ("up", "down"):
        sizes = np.array([getattr(r, f"payload_{way}") for r in records], float)
        made.append(row(f"payload_{way}", "bytes", float(sizes.mean()), stats.interval([sizes]), first.label_device, n))
    return made


def total(
    local: np.ndarray, compress: np.ndarray, network: np.ndarray, remote: np.ndarray, axis: int = -1
) -> np.ndarray:
    """Means of the device's and the link's times plus the median of the server's, along axis."""
    return np.asarray(np.mean(local + compress + network, axis=axis) + np.median(remote, axis=axis))
