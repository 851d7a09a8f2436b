"""The paper's numbers (results/paper/) and the verdict on ours: all thresholds of the comparison are here."""

from __future__ import annotations

import csv
import dataclasses
import math
from pathlib import Path

from bench.errors import DataError
from bench.provenance import ROOT
from bench.results import Row, conditions

AGREES_POINTS = 1.0  # accuracies (percent) that differ by no more agree, and make latencies comparable
AGREES_RATIO = 0.10  # times and bytes within 10 % of the paper's agree
RESOLUTION = 0.1  # last digit of the paper's plots of the units below: smaller differences are none
READ_OFF = {"ms", "bytes", "mJ", "kB"}
HIGHER_IS_BETTER = {"percent"}  # units; for all others less is better
EXCEPT = {"order_violations"}  # metrics in percent of which less is better

COLUMNS = ("figure", "dataset", "method", "conditions", "metric", "value", "unit", "note")
FIG16 = conditions({"bandwidth_kbps": 6000, "cpu_mhz": 216})
SOURCES = {"fig_latency": ("fig16", FIG16)}  # our figure -> the paper's, and the conditions that it was measured under


class Paper:
    """The paper's values: paper.value(row's key); values: by figure, data set, method, conditions and metric."""

    def __init__(self, path: Path) -> None:
        """Raises DataError if the table is missing or damaged."""
        self.values: dict[tuple[str, str, str, str, str], float] = {}
        try:
            with path.open(encoding="utf-8", newline="") as file:
                reader = csv.DictReader(file)
                if tuple(reader.fieldnames or ()) != COLUMNS:
                    raise KeyError(f"columns {reader.fieldnames}")
                for raw in reader:
                    key = (raw["figure"], raw["dataset"], raw["method"], raw["conditions"], raw["metric"])
                    try:
                        self.values[key] = float(raw["value"])
                    except ValueError:  # a range in the paper's text, such as "3-4"
                        continue
        except (OSError, KeyError, TypeError, UnicodeDecodeError, csv.Error) as error:
            raise DataError(f"{path}: the table of the paper's values is damaged ({error})", do="restore it") from None

    def value(
        self, figure: str, dataset: str, method: str, protocol: str, conditions: str, metric: str
    ) -> float | None:
        """What the paper reports for this key, else None. A variant (agilenn:text) is compared with its method."""
        source, measured_under = SOURCES.get(figure, (figure, conditions))
        if protocol != "paper" or conditions != measured_under:
            return None
        listed = "" if figure in SOURCES else conditions
        return self.values.get((source, dataset, method.partition(":")[0], listed, metric))

    def curve(self, figure: str, dataset: str, condition: str, metric: str) -> dict[str, list[tuple[float, float]]]:
        """Method -> points (condition, value), in order, of a figure of the paper with one condition."""
        found: dict[str, list[tuple[float, float]]] = {}
        for (source, of, method, listed, what), value in self.values.items():
            name, _, place = listed.partition("=")
            if (source, of, name, what) == (figure, dataset, condition, metric):
                found.setdefault(method, []).append((float(place), value))
        return {method: sorted(points) for method, points in found.items()}


def published() -> Paper:
    """The paper's values as they are kept here."""
    return Paper(ROOT / "results" / "paper" / "paper_values.csv")


def agrees(unit: str, value: float, paper: float) -> bool:
    """Whether our value is the paper's, within the margins above."""
    margin = AGREES_POINTS if unit == "percent" else AGREES_RATIO * abs(paper)
    margin = max(margin, RESOLUTION) if unit in READ_OFF else margin
    return math.isclose(value, paper, rel_tol=0, abs_tol=margin)


def verdict(
    unit: str, value: float, paper: float | None, *, comparable: bool, gap: float | None, metric: str = ""
) -> str:
    """How our value stands to the paper's.

    comparable: False for re-split, reduced or other data. gap: for a latency, our accuracy minus the paper's in
    points (None: one is unknown, so nothing says that the latencies belong to equal accuracies); for an accuracy 0.
    """
    if paper is None:
        return "no_paper_value"
    if not comparable:
        return "not_comparable"
    if gap is None or not abs(gap) <= AGREES_POINTS:
        return "unmatched"
    if agrees(unit, value, paper):
        return "agrees"
    rises = unit in HIGHER_IS_BETTER and metric not in EXCEPT
    return "better" if (value > paper) == rises else "worse"


def ratio(value: float, paper: float | None) -> float | None:
    """ours / paper; None without a paper value or where it is zero."""
    return value / paper if paper else None


def beside(row: Row, theirs: float | None, *, comparable: bool, gap: float | None = 0.0) -> Row:
    """The row with the paper's value, the ratio to it and the verdict (see there)."""
    found = verdict(row.unit, row.value, theirs, comparable=comparable, gap=gap, metric=row.metric)
    return dataclasses.replace(row, paper_value=theirs, ratio=ratio(row.value, theirs), verdict=found)
