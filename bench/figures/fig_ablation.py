"""`fig_ablation`: what each part of AgileNN is good for: the same training without it."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from bench.figures import ablation_plot, offloaded
from bench.figures.alone import Alone, DataSets
from bench.figures.rows import Maker, plain_table
from bench.figures.study import Found, Study
from bench.results import Row

if TYPE_CHECKING:
    from bench.figures.recorded import Recorded

CODE = tuple(
    "agilenn bench/audit bench/training bench/datasets.py bench/outputs.py bench/server.py bench/compile bench/codec "
    "bench/firmware bench/boards".split()
)


class FigAblation(Study):
    name = "fig_ablation"
    claim = "what each part of AgileNN is good for: accuracy, judged skewness, sparsity, payload, time on the device"
    figure = "not in it"
    minutes = "30"
    disk = "50 MB"
    images = 500
    per_method = False

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        super().arguments(parser)
        parser.add_argument("--seeds", type=int, default=1, metavar="N", help="trainings per variant (default 1)")

    def cases(self, args: argparse.Namespace, recorded: Collection[str]) -> DataSets:
        if args.seeds < 1:
            raise BenchError("--seeds", expected="1 or more", got=args.seeds)
        return DataSets(args, recorded, "ablation", ["digits"])  # eight trainings each take long

    def measure(self, args: argparse.Namespace, cases: Sequence[Alone], recorded: Recorded) -> Found:
        from bench import grid, provenance
        from bench.figures import cells
        from bench.figures.ablation_cells import ablate

        code = cells.code_hash(CODE)
        plan = [
            (case, method, seed) for seed in range(args.seeds) for case in cases for method in ablation_plot.VARIANTS
        ]
        todo = [
            grid.Cell(
                ablate,
                {
                    "dataset": case.dataset.name, "images": case.identity, "method": method, "seed": seed,
                    "n": min(args.images, case.dataset.counts["test"]), "code": code, "compiler": "zig",
                },
                {"data_dir": args.data_dir}, f"{case.dataset.name}, {method}, seed {seed}: training",
            )
            for case, method, seed in plan
        ]  # fmt: skip
        found = Found()
        for (case, method, seed), result in zip(plan, cells.run(todo, args), strict=True):
            command = (
                f"./reproduce.sh {self.name} --dataset {case.dataset.name} --seeds {args.seeds} --images {args.images}"
            )
            inputs = {"deployment": result["deployment"], "images": case.identity, "code": code}
            found.add(ablated(case, method, seed, result), provenance.stamp(command, seed, inputs))
        return found

    def draw(self, rows: Sequence[Row], folder: Path) -> list[Path]:
        return ablation_plot.draw(rows, folder)

    def table(self, rows: Sequence[Row]) -> str:
        return plain_table(rows)


def ablated(case: Alone, method: str, seed: int, result: Mapping[str, Any]) -> list[Row]:
    """The rows of one training."""
    make = Maker(FigAblation.name, (case.dataset.name, method, "paper"))
    said = result["outputs"]
    n, symbols = said["n"], said["symbols"]
    device = make.mean("device", result["device_ms"], "ms", seed=seed)
    rows = [
        offloaded.counted(make, "accuracy", said["hits"].get("own", 0), n, seed=seed),
        make.number("remote_sparsity", 100 * max(symbols) / sum(symbols), "percent", n, seed=seed),
        make.mean("payload_up", said["payload"], "bytes", seed=seed),
        dataclasses.replace(device, label="emulated"),
    ]
    if result["skewness"]:
        rows.append(make.mean("judged_skewness", result["skewness"], "percent", seed=seed))
    return rows + offloaded.reported(make, result["training"], {"skewness": "achieved_skewness"}, seed=seed)
