"""`fig_reweight`: accuracy of a trained model under other weights of the local logits (Figure 18)."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.figures import offloaded, reweight_plot
from bench.figures.rows import Maker
from bench.figures.study import Found, Study
from bench.method import Deployment
from bench.paper import Paper, beside, published
from bench.results import Row

if TYPE_CHECKING:
    from bench.figures.cases import Case


class FigReweight(Study):
    name = "fig_reweight"
    claim = "accuracy against the weight of the local logits, in the integer program; the learned weight marked"
    figure = "Figure 18"
    minutes = "1-10"
    disk = "5 MB"
    images = 0  # the whole test split
    trains = True  # the embedded sample is no test split

    def refuses(self, deployment: Deployment) -> str:
        joined = any(stage.op == "combine" and len(stage.reads) == 2 for stage in deployment.stages)
        return offloaded.refuses(deployment) or ("" if joined else "it does not join local and remote logits")

    def measure(self, args: argparse.Namespace, cases: Sequence[Case]) -> Found:
        from bench.figures import cells

        paper = published()
        found = Found()
        for case, (result, code) in zip(cases, offloaded.outputs(cases, args), strict=True):
            found.add(reweighted(case, result, paper), cells.stamp(case, self.name, code=code))
        return found

    def draw(self, rows: Sequence[Row], folder: Path) -> list[Path]:
        return reweight_plot.draw(rows, folder)


def reweighted(case: Case, result: Mapping[str, Any], paper: Paper) -> list[Row]:
    """Accuracy at each weight, beside the paper's; the learned weight and the accuracy of the program as it is."""
    from bench.outputs import learned

    make, n = Maker(FigReweight.name, case.key), result["n"]
    dataset, method, protocol = case.key
    rows = [
        make.number("learned_alpha", learned(case.deployment) or 0.0, "1", 1),
        make.counted("accuracy_learned", result["hits"].get("own", 0), n),
    ]
    for name in result["alphas"]:
        row = make.counted("accuracy", result["hits"].get(f"alpha={name}", 0), n, alpha=name)
        theirs = paper.value("fig18", dataset, method, protocol, row.conditions, "accuracy")
        rows.append(beside(row, theirs, comparable=case.comparable))
    return rows
