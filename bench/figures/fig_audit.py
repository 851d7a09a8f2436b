"""`fig_audit`: what a method says of its own skewness against what an independent judge finds."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.figures import audit_plot
from bench.figures.offloaded import reported
from bench.figures.rows import Maker
from bench.figures.study import Found, Study
from bench.method import Deployment
from bench.results import Row

if TYPE_CHECKING:
    from bench.figures.cases import Case

OWN = {"skewness": "own_skewness", "violations": "own_order_violations", "reference_accuracy": "own_reference_accuracy"}


class FigAudit(Study):
    name = "fig_audit"
    claim = "an independent judge of the features: skewness, order, and what local and remote channels tell"
    minutes = "1-30"
    disk = "50 MB"
    images = 500
    trains = True

    def refuses(self, deployment: Deployment) -> str:
        from bench.audit.subject import refuses

        return refuses(deployment)

    def measure(self, args: argparse.Namespace, cases: Sequence[Case]) -> Found:
        from bench.audit.audit import audit
        from bench.figures import cells

        code = cells.code_hash(cells.AUDIT_CODE)
        todo = [
            cells.of(
                audit, case, args, code, "a judge is trained, then asked", "training",
                n=min(args.images, case.dataset.counts["test"]),
            )
            for case in cases
        ]  # fmt: skip
        found = Found()
        for case, result in zip(cases, cells.run(todo, args), strict=True):
            stamp = cells.stamp(case, f"{self.name} --images {args.images}", code=code)
            found.add(audited(case, result), stamp)
        return found

    def draw(self, rows: Sequence[Row], folder: Path) -> list[Path]:
        return audit_plot.draw(rows, folder)


def audited(case: Case, result: dict[str, Any]) -> list[Row]:
    """The rows of one deployment: what it says itself, then the judge."""
    import numpy as np

    from bench.audit.symbols import effective_centroids, used

    make = Maker(FigAudit.name, case.key)
    n = len(result["shares"])
    shares = np.array(result["shares"])
    centroids, spread = effective_centroids(shares)
    judged = [
        row
        for baseline, values in result["skewness"].items()
        if values
        for row in (
            make.mean("judged_skewness", values, "percent", baseline=baseline),
            make.share("order_violations", result["violated"][baseline], baseline=baseline),
        )
    ]
    return [
        *reported(make, case.deployment.training, OWN),
        *judged,
        make.share("evaluator_accuracy", result["right"]["evaluator"]),
        *(make.share(f"probe_network_{head}", result["right"][head]) for head in ("local", "remote")),
        *(make.share(f"probe_linear_{head}", result["linear"][head]) for head in ("local", "remote")),
        make.share("probe_linear_all", result["linear"]["evaluator"]),
        make.number("effective_centroids", centroids, "1", n, spread),
        make.number("used_centroids", used(shares), "1", n),
        make.number("centroids", result["levels"], "1", n),
    ]
