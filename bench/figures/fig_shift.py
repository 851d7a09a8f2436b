"""`fig_shift`: does importance learned in training hold on images of another kind?"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.figures import shift_plot
from bench.figures.rows import Maker
from bench.figures.study import Found, Study
from bench.method import Deployment
from bench.results import Row

if TYPE_CHECKING:
    from bench.figures.cases import Case


class FigShift(Study):
    name = "fig_shift"
    claim = "noise, blur, contrast, JPEG: accuracy, judged skewness, top-k overlap, order and payload under shift"
    minutes = "2-60"
    disk = "50 MB"
    images = 200
    trains = True

    def refuses(self, deployment: Deployment) -> str:
        from bench.audit.subject import refuses

        return refuses(deployment) or ("" if deployment.server else "it has no server")

    def measure(self, args: argparse.Namespace, cases: Sequence[Case]) -> Found:
        from bench.audit.robustness import CLEAN, robustness
        from bench.audit.shift import STRENGTHS
        from bench.figures import cells

        code = cells.code_hash((*cells.AUDIT_CODE, *cells.ACCURACY_CODE))
        kinds = (CLEAN, *STRENGTHS)
        counts = [min(args.images, case.dataset.counts["test"]) for case in cases]
        todo = [
            cells.of(robustness, case, args, code, kind, "training", n=n, shift=kind)
            for case, n in zip(cases, counts, strict=True)
            for kind in kinds
        ]
        results = iter(cells.run(todo, args))
        found = Found()
        for case in cases:
            stamp = cells.stamp(case, f"{self.name} --images {args.images}", code=code)
            for kind in kinds:
                for severity, values in next(results).items():
                    found.add(shifted(case, kind, int(severity), values), stamp)
        return found

    def draw(self, rows: Sequence[Row], folder: Path) -> list[Path]:
        return shift_plot.draw(rows, folder)


def shifted(case: Case, kind: str, severity: int, values: dict[str, list[Any]]) -> list[Row]:
    """The rows of one deployment under one shift; without importance where the evaluator gets no image right."""
    make, where = Maker(FigShift.name, case.key), {"shift": kind, "severity": severity}
    judged = [
        make.mean("judged_skewness", values["skewness"], "percent", **where),
        make.mean("top_k_overlap", values["overlap"], "percent", **where),
        make.share("order_violations", values["violated"], **where),
    ] if values["skewness"] else []  # fmt: skip
    return [
        make.share("accuracy", values["right"], **where),
        make.share("evaluator_accuracy", values["evaluator"], **where),
        make.mean("payload_up", values["payload"], "bytes", **where),
        *judged,
    ]
