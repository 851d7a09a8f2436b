"""`fig_convergence`: how AgileNN trains beside a regular network: accuracy, loss, time per epoch (Figure 15)."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from bench.figures import convergence_plot
from bench.figures.rows import Maker
from bench.figures.study import Found, Study
from bench.figures.style import heading
from bench.method import Deployment
from bench.paper import Paper, beside, published
from bench.results import Row

if TYPE_CHECKING:
    from bench.figures.cases import Case

METHOD, REGULAR = "agilenn", "edge_only"  # the latter's one network is trained on whole images
CURVES = ("curve", "loss_curve", "seconds_curve")  # in the deployment's record of its training, one value per epoch


class FigConvergence(Study):
    name = "fig_convergence"
    claim = "training curves of AgileNN and of a regular network: accuracy, loss and cost per epoch"
    figure = "Figure 15"
    minutes = "0.2"
    disk = "2 MB"
    images = 0  # it reads what the trainings recorded

    def refuses(self, deployment: Deployment) -> str:
        if deployment.method.partition(":")[0] not in (METHOD, REGULAR):
            return f"it is about {METHOD} and {REGULAR}"
        missing = [name for name in CURVES if not deployment.training.get(name)]
        return f"its training recorded no {' and no '.join(missing)}" if missing else ""

    def measure(self, args: argparse.Namespace, cases: Sequence[Case]) -> Found:
        from bench.figures import cells

        paper = published()
        found = Found()
        regular = {case.key[::2]: case.deployment.training for case in cases if case.key[1] == REGULAR}
        for case in cases:
            found.add(curves(case, regular.get(case.key[::2], {}), paper), cells.stamp(case, self.name))
        return found

    def draw(self, rows: Sequence[Row], folder: Path) -> list[Path]:
        return convergence_plot.draw(rows, folder)

    def table(self, rows: Sequence[Row]) -> str:
        return table(rows)


def curves(case: Case, regular: Mapping[str, Any], paper: Paper) -> list[Row]:
    """One deployment's rows. regular: how the regular network of the same images was trained, {} if there is none."""
    training = case.deployment.training
    n = training["images"]["validation"]
    make = Maker(FigConvergence.name, case.key)
    accuracy, loss, seconds = ([float(value) for value in training[name]] for name in CURVES)
    rows = [make.number("accuracy", 100 * value, "percent", n, epoch=i) for i, value in enumerate(accuracy, 1)]
    rows += [make.number("loss", value, "1", n, epoch=i) for i, value in enumerate(loss, 1)]
    rows += [make.number("seconds", value, "1", 1, epoch=i) for i, value in enumerate(seconds, 1)]
    dataset, method, protocol = case.key
    theirs = "mobilenetv2" if method == REGULAR else method
    last = {"final_accuracy": (100 * accuracy[-1], "percent", "epoch=200"), "final_loss": (loss[-1], "1", "final")}
    for metric, (value, unit, conditions) in last.items():
        name = metric if metric == "final_accuracy" else "loss"
        published = paper.value("fig15", dataset, theirs, protocol, conditions, name)
        # theirs is of test images, ours of validation images
        rows.append(beside(make.number(metric, value, unit, n), published, comparable=False))
    rows.append(make.number("seconds_per_epoch", median(seconds), "1", len(seconds)))
    cost, plain = cpu_seconds(training), cpu_seconds(regular)
    if cost:
        rows.append(make.number("cpu_seconds_per_epoch", cost, "1", len(seconds)))
    if cost and plain and method != REGULAR:
        rows.append(make.number("cost_ratio_to_regular", cost / plain, "ratio", len(seconds)))
    return rows


def cpu_seconds(training: Mapping[str, Any]) -> float | None:
    """Of one epoch, over all cores: unlike the wall clock it hardly depends on what else the computer does."""
    hours = training.get("cpu_hours")
    return 3600 * hours / training["epochs"] if hours else None


def table(rows: Sequence[Row]) -> str:
    """One line per deployment: where its curves end and what an epoch costs."""
    import pandas as pd

    lines: dict[str, dict[str, str]] = {}
    for row in sorted(rows, key=lambda row: row.key):
        name = heading(row.dataset, row.protocol, row.method)
        if row.conditions:
            lines.setdefault(name, {})["epochs"] = str(
                sum(r.key[1:4] == row.key[1:4] and r.metric == "loss" for r in rows)
            )
            continue
        theirs = f" (paper {row.paper_value:.4g})" if row.paper_value is not None else ""
        lines.setdefault(name, {})[row.metric.replace("_", " ")] = f"{row.value:.4g}{theirs}"
    return pd.DataFrame(lines).T.fillna("-").to_string()
