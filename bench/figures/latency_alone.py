"""Reference rows of fig_latency, accuracies without a latency: a part of a method alone, over the whole test split.

accuracy_local: AgileNN's Local NN alone. accuracy_server: the server's network alone on the camera's frame, from
edge-only's deployment: what no coder can exceed.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from typing import Any

from bench import grid
from bench.accuracy import count_hits
from bench.compile.code_stage import chosen
from bench.figures import cells, offloaded
from bench.figures.cases import Case
from bench.figures.latency_rows import FIGURE
from bench.figures.rows import Maker
from bench.results import Row

LOCAL, SERVER = "accuracy_local", "accuracy_server"


def rows(args: argparse.Namespace, cases: Sequence[Case], conditions: str) -> list[tuple[Row, dict[str, Any]]]:
    """Each with its stamp. The embedded sample is no test split: none of it."""
    whole = [case for case in cases if case.dataset.source != "sample"]
    split = [case for case in whole if not offloaded.refuses(case.deployment)]
    frames = [case for case in whole if sends_frame(case)]
    found = [
        (_row(case, LOCAL, result["hits"]["local"], result["n"], conditions), cells.stamp(case, FIGURE, code=code))
        for case, (result, code) in zip(split, offloaded.outputs(split, args), strict=True)
        if "local" in result["hits"]
    ]
    code = cells.code_hash(cells.ACCURACY_CODE)
    todo = [
        grid.Cell(
            count_hits, cells.settings(case) | {"code": code} | ({} if is_exact(case) else {"uncoded": True}),
            cells.inputs(case, args), f"{case.title}: accuracy of the server alone",
        )
        for case in frames
    ]  # fmt: skip
    for case, (hits, n) in zip(frames, cells.run(todo, args), strict=True):
        found.append((_row(case, SERVER, hits, n, conditions), cells.stamp(case, FIGURE, code=code)))
    return found


def sends_frame(case: Case) -> bool:
    """Whether the server sees the camera's frame, not features."""
    return any(stage.op == "code" and stage.reads == ("frame",) for stage in case.deployment.stages)


def is_exact(case: Case) -> bool:
    """Whether the server sees exactly what the device codes."""
    return all(chosen(stage).exact for stage in case.deployment.stages if stage.op == "code")


def _row(case: Case, metric: str, hits: int, n: int, conditions: str) -> Row:
    return dataclasses.replace(offloaded.counted(Maker(FIGURE, case.key), metric, hits, n), conditions=conditions)
