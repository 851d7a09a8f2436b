"""What a run of fig_latency measures: its cells, and the rows and stamps that come of them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from bench import datasets, grid, provenance, results
from bench.accuracy import count_hits
from bench.compile import stages
from bench.compile.toolchain import toolchain
from bench.figures import base
from bench.figures.cases import Case
from bench.figures.latency_rows import FIGURE, Hits, Latency
from bench.figures.recorded import Recorded
from bench.link import Link
from bench.measure import measure, record
from bench.method import Deployment
from bench.paper import Paper
from bench.results import Key, Row

# Sources under bench/ that can change a measured number: a cell that other code made is measured again.
ACCURACY_CODE = ("codec", "compile", "accuracy.py", "datasets.py", "server.py")
BOARD_CODE = (*ACCURACY_CODE, "boards", "firmware", "client.py", "measure.py", "wire.py")


class Campaign:
    """The cells of one command line. run() measures; stamps: where its rows come from; notes: for the user."""

    def __init__(self, args: argparse.Namespace, cases: Sequence[Case], recorded: Recorded) -> None:
        self.args, self.cases, self.recorded = args, cases, recorded
        self.link = Link(args.bandwidth)
        self.conditions = results.conditions({"bandwidth_kbps": args.bandwidth / 1e3, "cpu_mhz": args.clock / 1e6})
        self.compiler = toolchain(args.compiler)
        self.code = {names: code_hash(names) for names in (BOARD_CODE, ACCURACY_CODE)}
        self.stamps: dict[Key, dict[str, Any]] = {}
        self.notes: list[str] = []

    def run(self) -> list[Row]:
        """The rows, case by case."""
        paper = Paper(base.RESULTS / "paper" / "paper_values.csv")
        plan = [(case, self._cells(case)) for case in self.cases]
        cells = [cell for _, of_case in plan for cell in of_case]
        found = iter(grid.run(cells, self.args.out / "cells", fresh=self.args.fresh))
        rows: list[Row] = []
        for case, of_case in plan:
            device, *full = [next(found) for _ in of_case]
            stamp = self._stamp(case, device["info"])
            records = [
                record(run, case.deployment, self.args.board, self.args.clock, self.link, stamp["id"])
                for run in device["runs"]
            ]
            hits = Hits(*full[0]) if full else self._recorded_hits(case)
            made = Latency(records, hits, self.conditions, paper, case.comparable).rows()
            self.stamps |= {row.key: stamp for row in made if row.source == "live"}
            rows += made
        return rows

    def _cells(self, case: Case) -> list[grid.Cell]:
        """The board's cell and, where the whole test split is here, that of its accuracy."""
        dataset, deployment = case.dataset, case.deployment
        settings = {
            "dataset": dataset.name,
            "images": dataset.fingerprint,
            "protocol": deployment.protocol,
            "method": deployment.method,
            "deployment": case.identity,
        }
        inputs = {"folder": deployment.folder, "data_dir": self.args.data_dir}
        size = dataset.counts["test"]
        count = min(self.args.images, size)
        board = {
            "n": count,
            "clock_hz": self.args.clock,
            "board": self.args.board,
            "compiler": self.compiler.name,
            "compiler_version": self.compiler.version,
            "code": self.code[BOARD_CODE] + own_stages(deployment),
        }
        cells = [grid.Cell(measure, settings | board, inputs, f"{case.title}: {count} images on the board")]
        if dataset.source != "sample":
            code = {"code": self.code[ACCURACY_CODE] + own_stages(deployment)}
            cells.append(
                grid.Cell(count_hits, settings | code, inputs, f"{case.title}: accuracy over {size} test images")
            )
        return cells

    def _recorded_hits(self, case: Case) -> Hits | None:
        row = self.recorded.accuracy(case)
        if row is None:
            self.notes.append(f"{case.title}: accuracy over the full test split is not known here")
            return None
        stamp = self.recorded.stamp(row)
        if stamp is not None:
            self.stamps[(*row.key[:4], self.conditions, row.metric)] = stamp
        return Hits(round(row.value * row.n / 100), row.n, "recorded")

    def _stamp(self, case: Case, info: dict[str, Any]) -> dict[str, Any]:
        """Holds no path of this computer."""
        dataset, method, protocol = case.key
        rate, clock = self.args.bandwidth / 1e3, self.args.clock / 1e6
        command = f"./reproduce.sh {FIGURE} --dataset {dataset} --method {method} --protocol {protocol}"
        command += f" --bandwidth {rate:.10g}kbps --clock {clock:.10g}MHz --images {self.args.images}"
        if self.args.compiler != "zig":
            command += f" --compiler {self.args.compiler}"
        inputs = {
            "deployment": case.identity,
            "images": case.dataset.fingerprint,
            "origin": case.dataset.origin,
            "board": self.args.board,
            "code": self.code[BOARD_CODE],
            "firmware": info,
        }
        return provenance.stamp(command, datasets.SEED, inputs)


def own_stages(deployment: Deployment) -> str:
    """Names the code of the stages that a method brings itself (all files beside their C sources); "" for none."""
    folders = sorted({source.parent for kind in stages.kinds(deployment).values() for source in kind.sources})
    files = sorted(file for folder in folders for file in folder.iterdir() if file.is_file())
    parts = [part for file in files for part in (file.name, file.read_bytes())]
    return "+" + provenance.text_hash(*parts)[:16] if parts else ""


def code_hash(names: Sequence[str]) -> str:
    """Names the content of files and folders under bench/, and the versions of the packages."""
    root = provenance.ROOT / "bench"
    files = [file for name in names for file in (root / name).rglob("*")] + [root / name for name in names]
    sources = sorted(f for f in files if f.is_file() and "__pycache__" not in f.parts and not f.name.startswith("."))
    parts = [part for file in sources for part in (str(file.relative_to(root)), file.read_bytes())]
    return provenance.text_hash(*parts, repr(sorted(provenance.versions().items())))[:16]
