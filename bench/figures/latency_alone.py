"""Reference rows of fig_latency, accuracies without a latency: a part of a method alone, over the whole test split.

accuracy_local: AgileNN's Local NN alone. accuracy_server: the server's network alone on the camera's frame, from
edge-only's deployment: what it reaches where no coder loses anything.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from typing import Any

from bench.accuracy import count_hits
from bench.compile.code_stage import chosen
from bench.figures import cells, offloaded
from bench.figures.cases import Case
from bench.figures.rows import Maker
from bench.figures.study import Found
from bench.results import Row

LOCAL, SERVER = "accuracy_local", "accuracy_server"


def add(found: Found, args: argparse.Namespace, cases: Sequence[Case], conditions: str) -> None:
    """Adds them to what was found for these cases. The embedded sample is no test split: nothing is measured on it."""
    whole = [case for case in cases if case.dataset.source != "sample"]
    split = [case for case in whole if not offloaded.refuses(case.deployment)]
    for case, (result, code) in zip(split, offloaded.outputs(split, args), strict=True):
        if "local" in result["hits"]:
            _add(found, case, LOCAL, (result["hits"]["local"], result["n"]), conditions, code)
    lossy = [case for case in whole if case.sends_frame and not is_exact(case)]
    code = cells.code_hash(cells.ACCURACY_CODE)
    todo = [cells.of(count_hits, case, args, code, "accuracy of the server alone", uncoded=True) for case in lossy]
    for case, hits in zip(lossy, cells.run(todo, args), strict=True):
        _add(found, case, SERVER, hits, conditions, code)
    exact = {case.key for case in cases if case.sends_frame and is_exact(case)}
    for row in [row for row in found.rows if row.metric == "accuracy" and row.key[1:4] in exact]:
        same = dataclasses.replace(row, metric=SERVER, paper_value=None, ratio=None, verdict="no_paper_value")
        found.rows.append(same)
        if row.key in found.stamps:
            found.stamps[same.key] = found.stamps[row.key]


def is_exact(case: Case) -> bool:
    """Whether the server sees exactly what the device codes."""
    return all(chosen(stage).exact for stage in case.deployment.stages if stage.op == "code")


def _add(found: Found, case: Case, metric: str, hits: Sequence[int], conditions: str, code: str) -> None:
    row: Row = Maker("fig_latency", case.key).counted(metric, *hits)
    stamp: dict[str, Any] = cells.stamp(case, "fig_latency", code=code)
    found.add([dataclasses.replace(row, conditions=conditions)], stamp)
