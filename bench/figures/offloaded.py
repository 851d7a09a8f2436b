"""What figures about trained models share: the integer program's answers over a test split."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bench.method import Deployment
from bench.results import Row

if TYPE_CHECKING:
    from bench.figures.cases import Case
    from bench.figures.rows import Maker


def refuses(deployment: Deployment) -> str:
    """Why a deployment is none that keeps some features and sends the others; "" if it is one."""
    from bench.compile import stages

    return stages.lacks(deployment, "combine", "quantize", "receive", "split")


def outputs(cases: Sequence[Case], args: argparse.Namespace) -> list[tuple[dict[str, Any], str]]:
    """Per case: what `bench.outputs.outputs` says, and the hash of the code that said it. Figures share these cells."""
    from bench.figures import cells
    from bench.outputs import outputs

    code = cells.code_hash((*cells.ACCURACY_CODE, "bench/outputs.py"))
    todo = [cells.of(outputs, case, args, code, f"{case.dataset.counts['test']} test images") for case in cases]
    return list(zip(cells.run(todo, args), [cell.settings["code"] for cell in todo], strict=True))


def reported(make: Maker, training: Mapping[str, Any], names: Mapping[str, str], **conditions: Any) -> list[Row]:
    """What a training reports of the test split, where it does: rows of percentages. names: its name -> ours.

    Skewness and violations are of the images that its own reference network classifies rightly; of none, no row.
    """
    said = training.get("test")
    if not isinstance(said, dict) or not isinstance(said.get("images"), int):
        return []
    n = said["images"]
    counts = dict.fromkeys(("skewness", "violations"), round(n * said.get("reference_accuracy", 100) / 100))
    return [
        make.number(ours, said[name], "percent", count, **conditions)
        for name, ours in names.items()
        if name in said and (count := counts.get(name, n))
    ]
