"""`fig_compression`: accuracy against bytes sent, every point trained or coded (the paper's Figure 17)."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.figures.study import Found, Study
from bench.method import Deployment
from bench.results import Row

if TYPE_CHECKING:
    from bench.datasets import Dataset
    from bench.figures.cases import Case

QUALITIES = (10, 20, 30, 50, 75, 85, 95)  # of JPEG
SWEPT = "deepcod"  # its variants are its rates
TABLES_FROM = 1000  # training images, for the lossless coder
NOTE = (
    "The paper does not state what its compression rate divides by what: its points stand beside ours, on an axis of\n"
    "their own, and have no verdict. Ours: bytes of the camera's frame over bytes sent."
)


class FigCompression(Study):
    name = "fig_compression"
    claim = "accuracy against bytes sent: AgileNN, each rate of DeepCOD, the whole image under JPEG of each quality"
    figure = "Figure 17"
    minutes = "2-15"
    disk = "5 MB"
    images = 1000

    def cases(self, args: argparse.Namespace, recorded: Collection[str]) -> Any:
        from bench.figures.cases import Cases

        def refuses(deployment: Deployment) -> str:
            method, _, variant = deployment.method.partition(":")
            if deployment.server is None or any(stage.op == "exit_if" for stage in deployment.stages):
                return "it does not send every image"
            return "a variant" if variant and method != SWEPT and not args.method else ""

        return Cases(args, recorded, refuses, self.trains)

    def measure(self, args: argparse.Namespace, cases: Sequence[Case]) -> Found:
        from bench.coded import coded
        from bench.figures import cells

        code = cells.code_hash((*cells.ACCURACY_CODE, "bench/coded.py"))
        plan = [(case, name, tables) for case in cases for name, tables in coders(case)]
        todo = [
            cells.of(
                coded, case, args, code, name or "its own coder",
                n=min(args.images, case.dataset.counts["test"]), coder=name.rstrip("0123456789"), tables=tables,
            )
            for case, name, tables in plan
        ]  # fmt: skip
        found = Found()
        for (case, name, _), result in zip(plan, cells.run(todo, args), strict=True):
            found.add(rows_of(case, name, result), cells.stamp(case, f"{self.name} --images {args.images}", code=code))
        return found

    def draw(self, rows: Sequence[Row], folder: Path) -> list[Path]:
        from bench.figures import compression_plot

        return compression_plot.draw(rows, folder)

    def table(self, rows: Sequence[Row]) -> str:
        from bench.figures.compression_plot import points
        from bench.figures.style import title

        lines = [
            f"{title(dataset)}, the paper's {title(method)}: "
            + ", ".join(f"{accuracy:g} % at {rate:g}" for rate, accuracy in found)
            for dataset in sorted({row.dataset for row in rows})
            for method, found in points(dataset).items()
        ]
        return "\n\n".join([super().table(rows), *(["\n".join(lines)] if lines else []), NOTE])


def coders(case: Case) -> list[tuple[str, tuple[int, ...]]]:
    """(name, tables): the deployment's own ("") and, where it sends the frame itself, the image coders."""
    from bench.codec import jpeg_tables, lossless
    from bench.datasets import frames

    deployment = case.deployment
    own: list[tuple[str, tuple[int, ...]]] = [("", ())]
    if not case.sends_frame:
        return own
    channels, data = deployment.frame[2], case.dataset
    found = own + [(f"jpeg{quality}", tuple(jpeg_tables.quantizers(quality, channels))) for quality in QUALITIES]
    if data.counts["train"]:
        found.append(("lossless", tuple(lossless.train(frames(some(data), deployment.frame)))))
    return found


def some(data: Dataset) -> np.ndarray:
    """Training images, the same at every call."""
    return data.x_train[np.sort(np.random.default_rng(0).permutation(len(data.y_train))[:TABLES_FROM])]


def rows_of(case: Case, coder: str, result: dict[str, list[int]]) -> list[Row]:
    """Accuracy, bytes and rate of one point. Condition `coder`: where it is not the deployment's own."""
    from bench import stats
    from bench.figures.rows import Maker

    make, at = Maker(FigCompression.name, case.key), {"coder": coder} if coder else {}
    sizes = np.array(result["bytes"], float)
    frame = float(np.prod(case.deployment.frame))
    rate = stats.interval([sizes], lambda part, axis: np.asarray(frame / np.mean(part, axis=axis)))
    return [
        make.share("accuracy", result["right"], **at),
        make.mean("payload_up", list(sizes), "bytes", **at),
        make.number("compression_rate", frame / sizes.mean(), "ratio", len(sizes), rate, **at),
    ]
