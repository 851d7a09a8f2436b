"""`fig_skew_cdf`: how uneven importance is in a network that nobody manipulated (Figure 4b)."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.figures import alone, skew_cdf_plot
from bench.figures.alone import Alone, DataSets
from bench.figures.rows import Maker
from bench.figures.study import Found, Study
from bench.paper import Paper, beside, published
from bench.results import Row

THRESHOLDS = tuple(range(30, 100, 5))  # percent of importance in the top fifth of the channels


class FigSkewCdf(Study):
    name = "fig_skew_cdf"
    claim = "natural skewness: share of images whose top 20 % of channels hold at most so much of the importance"
    figure = "Figure 4b"
    minutes = "2-10"
    disk = "20 MB"
    images = 500
    per_method = False

    def cases(self, args: argparse.Namespace, recorded: Collection[str]) -> DataSets:
        return alone.regulars(args, recorded)

    def measure(self, args: argparse.Namespace, cases: Sequence[Alone]) -> Found:
        from bench.audit.natural import natural

        paper = published()
        found = Found()
        what = "a regular network is trained, then explained"
        for case, result, stamp in alone.explained(self.name, natural, what, args, cases):
            found.add(cumulative(case, result, paper), stamp)
        return found

    def draw(self, rows: Sequence[Row], folder: Path) -> list[Path]:
        return skew_cdf_plot.draw(rows, folder)


def cumulative(case: Alone, result: Mapping[str, Any], paper: Paper) -> list[Row]:
    """The share of images below each threshold, beside the paper's (of MobileNetV2), and their mean skewness."""
    make, skewness = Maker(FigSkewCdf.name, case.key), list(result["skewness"])
    rows = [make.counted("accuracy", len(skewness), result["n"])]
    if not len(skewness):
        return rows
    rows.append(make.mean("natural_skewness", skewness, "percent"))
    for percent in THRESHOLDS:
        row = make.share("samples", [value <= percent for value in skewness], skewness_up_to=f"{percent / 100:.2f}")
        under = f"skewness<={percent / 100:.2f}"
        theirs = paper.value("fig4b", case.dataset.name, "mobilenetv2", "paper", under, "samples")
        rows.append(beside(row, theirs, comparable=case.dataset.comparable))
    return rows
