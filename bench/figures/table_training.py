"""`table_training`: what each AgileNN preset reached: accuracy, skewness, order, and what it sends."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.figures import base, offloaded
from bench.figures.rows import Maker
from bench.figures.study import Found, Study
from bench.figures.style import title
from bench.method import Deployment
from bench.paper import Paper, beside, published
from bench.results import Row

if TYPE_CHECKING:
    from bench.figures.cases import Case

# ours -> the paper's figure and conditions; its default operating point is rho = 0.8, 20 % of the channels (Sec 7)
PAPER = {
    "accuracy": ("fig16", ""),
    "achieved_skewness": ("fig21", "rho=0.8;split_ratio=0.2"),
    "order_violations": ("fig9b", "order_loss=relaxed"),
}
FLOAT = {  # of the float32 network on the test split, as the training reports it -> ours
    "skewness": "achieved_skewness",
    "violations": "order_violations",
    "reference_accuracy": "reference_accuracy",
    "accuracy": "accuracy_float",
}
SHOWN = (
    "accuracy", "local_accuracy", "remote_accuracy", "accuracy_int8_minus_float", "achieved_skewness",
    "judged_skewness", "order_violations", "remote_sparsity", "symbol_entropy", "payload_up", "epochs", "cpu_hours",
    "reference_epochs", "reference_cpu_hours",
)  # fmt: skip


class TableTraining(Study):
    name = "table_training"
    claim = "what each trained AgileNN reached: accuracy, achieved and judged skewness, order, symbols, payload, cost"
    figure = "Figures 9b, 16, 21"
    minutes = "1-10"
    disk = "5 MB"
    images = 0  # the whole test split
    trains = True  # the embedded sample is no test split

    def refuses(self, deployment: Deployment) -> str:
        return offloaded.refuses(deployment)

    def measure(self, args: argparse.Namespace, cases: Sequence[Case]) -> Found:
        from bench.figures import cells

        paper = published()
        found = Found()
        for case, (result, code) in zip(cases, offloaded.outputs(cases, args), strict=True):
            stamp = cells.stamp(case, self.name, code=code)
            found.add([with_paper(row, case, paper) for row in trained(case, result)], stamp)
            judged_rows, stamps = judged(args.out, case)
            found.rows += judged_rows
            found.stamps |= stamps
            if not judged_rows:
                found.notes.append(f"{case.title}: judged skewness is not known; ./reproduce.sh fig_audit first")
        return found

    def draw(self, rows: Sequence[Row], folder: Path) -> list[Path]:
        """A table has no drawing."""
        return []

    def table(self, rows: Sequence[Row]) -> str:
        return table(rows)


def trained(case: Case, result: Mapping[str, Any]) -> list[Row]:
    """The rows of one deployment: its integer program on the test split, then what its training says."""
    import numpy as np

    make, n, hits = Maker(TableTraining.name, case.key), result["n"], result["hits"]
    shares = np.array(result["symbols"]) / sum(result["symbols"])
    entropy = abs(np.sum(shares * np.log2(np.maximum(shares, 1e-12))))
    rows = [
        make.counted("accuracy", hits.get("own", 0), n),
        *(make.counted(f"{name}_accuracy", hits[name], n) for name in ("local", "remote") if name in hits),
        make.number("remote_sparsity", 100 * shares.max(), "percent", n),
        make.number("symbol_entropy", entropy, "1", n),
        make.mean("payload_up", result["payload"], "bytes"),
    ]
    training = case.deployment.training
    costs = {name: training.get(name) for name in ("epochs", "epochs_planned", "cpu_hours")}  # of joint training
    first = training.get("reference") or {}  # the step before it
    costs |= {f"reference_{name}": first.get(name) for name in ("epochs", "cpu_hours")}
    rows += [make.number(name, value, "1", 1) for name, value in costs.items() if value is not None]
    of_float = offloaded.reported(make, training, FLOAT)
    rows += of_float
    for row in of_float:
        if row.metric == "accuracy_float" and row.n == n:
            rows.append(make.number("accuracy_int8_minus_float", rows[0].value - row.value, "percent", n))
    return rows


def with_paper(row: Row, case: Case, paper: Paper) -> Row:
    """The row beside the paper's value, where it has one."""
    figure, conditions = PAPER.get(row.metric, ("", ""))
    dataset, method, protocol = case.key
    theirs = paper.value(figure, dataset, method, protocol, conditions, row.metric)
    return beside(row, theirs, comparable=case.comparable)


def judged(folder: Path, case: Case) -> tuple[list[Row], dict[Any, dict[str, Any]]]:
    """The judge's skewness of the very same deployment, from fig_audit's records, and their stamps."""
    from bench.figures.recorded import Recorded

    own, committed = (home / "fig_audit.csv" for home in (folder, base.RESULTS))
    audit = Recorded(own if own.exists() else committed)
    audit.keep([case])
    rows, stamps = [], {}
    for row in audit.rows:
        of_case = (row.dataset, row.method, row.protocol) == case.key and row.metric == "judged_skewness"
        if of_case and (stamp := audit.stamp(row)):
            rows.append(dataclasses.replace(row, figure=TableTraining.name))
            stamps[rows[-1].key] = stamp
    return rows, stamps


def table(rows: Sequence[Row]) -> str:
    """One block per data set and protocol: a line per metric, a column per method, the paper's value last."""
    blocks: dict[tuple[str, str], dict[str, dict[str, str]]] = {}
    for row in sorted(rows, key=lambda row: row.key):
        if row.metric in SHOWN and row.conditions in ("", "baseline=zero"):
            block = blocks.setdefault((row.dataset, row.protocol), {})
            block.setdefault(title(row.method), {})[row.metric] = f"{row.value:.4g}"
            if row.paper_value is not None:
                block.setdefault("the paper", {})[row.metric] = f"{row.paper_value:.4g}"
    return "\n\n".join(
        f"{title(dataset)} (protocol {protocol})\n" + _block(block) for (dataset, protocol), block in blocks.items()
    )


def _block(columns: Mapping[str, Mapping[str, str]]) -> str:
    import pandas as pd

    frame = pd.DataFrame(columns, index=list(SHOWN)).dropna(how="all").fillna("-")
    frame.index = frame.index.str.replace("_", " ")
    return str(frame[sorted(frame.columns, key=lambda name: (name == "the paper", name))].to_string())
