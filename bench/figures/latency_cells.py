"""What a run of fig_latency measures: which data sets and methods, which cells, and the rows that come of them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import datasets, grid, provenance, registry, results
from bench.accuracy import count_hits
from bench.datasets import Dataset
from bench.errors import DataError
from bench.figures.base import RESULTS
from bench.figures.latency_rows import FIGURE, Hits, Latency
from bench.link import Link
from bench.measure import measure, record
from bench.method import Deployment, Request
from bench.paper import Paper
from bench.results import Key, Row

TRAIN_SEED = 0  # the default of `train`
# Sources that can change a measured number: a cell made by other code is measured again.
CODE = (
    "boards",
    "codec",
    "compile",
    "firmware",
    "accuracy.py",
    "client.py",
    "datasets.py",
    "measure.py",
    "server.py",
    "wire.py",
)


@dataclass(frozen=True)
class Case:
    """One data set and method that can be measured here."""

    dataset: Dataset
    deployment: Deployment

    @property
    def name(self) -> tuple[str, str]:
        return (self.dataset.name, self.deployment.method)


class Campaign:
    """The cells of one command line. run() measures; notes: sentences for the user; stamps: of the live rows."""

    def __init__(self, args: argparse.Namespace, recorded: Sequence[Row], recorded_stamps: dict[str, Any]) -> None:
        self.args, self.recorded_stamps = args, recorded_stamps
        self.notes: list[str] = []
        self.stamps: dict[Key, dict[str, Any]] = {}
        self.link = Link(args.bandwidth)
        self.conditions = results.conditions({"bandwidth_kbps": args.bandwidth / 1e3, "cpu_mhz": args.clock / 1e6})
        self.recorded = list(recorded)
        self.cases = self._cases()
        self.recorded = self._of_these_deployments()

    def run(self) -> list[Row]:
        """The live rows, case by case."""
        paper = Paper(RESULTS / "paper" / "paper_values.csv")
        code = code_hash()
        cells = [cell for case in self.cases for cell in self._cells(case, code)]
        measured = grid.run(cells, self.args.out / "cells", fresh=self.args.fresh)
        found = {cell.name: result for cell, result in zip(cells, measured, strict=True)}
        live: list[Row] = []
        for case in self.cases:
            device, *full = (found[cell.name] for cell in self._cells(case, code))
            stamp = self._stamp(case, device["info"], code)
            records = [
                record(run, case.deployment, self.args.board, self.args.clock, self.link, stamp["id"])
                for run in device["runs"]
            ]
            hits = Hits(*full[0]) if full else self._recorded_hits(case)
            made = Latency(records, hits, self.conditions, paper, case.dataset.comparable).rows()
            self.stamps |= {row.key: stamp for row in made if row.source == "live"}
            live += made
        return live

    def shows(self, row: Row) -> bool:
        """Whether the table of this run has this row."""
        return (not self.args.dataset or row.dataset in self.args.dataset) and (
            not self.args.method or row.method in self.args.method
        )

    def _cases(self) -> list[Case]:
        """Named data sets and methods must be there; of the others those that are."""
        cases = []
        for name in self.args.dataset or self._known_datasets():
            methods = self.args.method or [
                m for m in self._methods() if self.args.retrain or (self._folder(m, name) / "deployment.json").exists()
            ]
            try:
                dataset = datasets.load(name, self.args.data_dir)
            except DataError:
                if not any(row.dataset == name for row in self.recorded):
                    raise
                self.notes.append(
                    f"{name}: no images here, drawn from the committed records (./reproduce.sh data {name})"
                )
                continue
            if not methods and not any(row.dataset == name for row in self.recorded):
                do = f"train one: ./reproduce.sh train --method agilenn --dataset {name}"
                raise DataError(f"no deployment for {name}, protocol {self.args.protocol}", do=do)
            cases += [Case(dataset, self._deployment(method, name)) for method in methods]
            if methods and dataset.note:
                self.notes.append(f"{name}: {dataset.note}")
        return cases

    def _known_datasets(self) -> list[str]:
        """Those with a deployment under this protocol or with records."""
        trained = {
            path.parent.name.rpartition("-")[0]
            for path in RESULTS.glob(f"models/*/*-{self.args.protocol}/deployment.json")
        }
        return sorted(trained | {row.dataset for row in self.recorded})

    def _methods(self) -> list[str]:
        """The registry's methods, and variants of them that are trained (folders METHOD--VARIANT)."""
        variants = {path.name.replace("--", ":") for path in RESULTS.glob("models/*--*")}
        return sorted({*registry.METHODS, *variants})

    def _folder(self, method: str, dataset: str) -> Path:
        """Deployments that were trained into --out come before the committed ones."""
        inside = Path("models", method.replace(":", "--"), f"{dataset}-{self.args.protocol}")
        own = self.args.out / inside
        return own if self.args.retrain or (own / "deployment.json").exists() else RESULTS / inside

    def _deployment(self, method: str, dataset: str) -> Deployment:
        folder = self._folder(method, dataset)
        if self.args.retrain:
            request = Request(
                dataset, self.args.protocol, folder, TRAIN_SEED, "quick", self.args.fresh, self.args.data_dir
            )
            registry.method(method).train(request)
        if not (folder / "deployment.json").exists():
            do = f"train it: ./reproduce.sh train --method {method} --dataset {dataset} --protocol {self.args.protocol}"
            raise DataError(f"no deployment of {method} for {dataset}, protocol {self.args.protocol}", do=do)
        return Deployment.load(folder)

    def _cells(self, case: Case, code: str) -> list[grid.Cell]:
        """The board's cell and, where the whole test split is here, that of its accuracy."""
        dataset, deployment = case.dataset, case.deployment
        settings = {
            "dataset": dataset.name,
            "images": dataset.fingerprint,
            "protocol": deployment.protocol,
            "method": deployment.method,
            "deployment": provenance.deployment_hash(deployment),
            "code": code,
        }
        inputs = {"folder": deployment.folder, "data_dir": self.args.data_dir}
        count = min(self.args.images, dataset.counts["test"])
        title = f"{dataset.name}, {deployment.method}"
        board = {"n": count, "clock_hz": self.args.clock, "board": self.args.board}
        cells = [grid.Cell(measure, settings | board, inputs, f"{title}: {count} images on the board")]
        if dataset.source != "sample":
            cells.append(
                grid.Cell(count_hits, settings, inputs, f"{title}: accuracy over {dataset.counts['test']} test images")
            )
        return cells

    def _recorded_hits(self, case: Case) -> Hits | None:
        """The committed accuracy over the full test split, under any link and clock: it depends on neither."""
        for row in self.recorded:
            if (
                (row.dataset, row.method) == case.name
                and row.protocol == case.deployment.protocol
                and row.metric == "accuracy"
            ):
                stamp = self._recorded_stamp(row)
                if stamp:
                    self.stamps[(*row.key[:4], self.conditions, row.metric)] = stamp
                return Hits(round(row.value * row.n / 100), row.n, "recorded")
        self.notes.append(
            f"{case.dataset.name}, {case.deployment.method}: accuracy of the full test split is not known here"
        )
        return None

    def _recorded_stamp(self, row: Row) -> dict[str, Any] | None:
        return self.recorded_stamps["stamps"].get(self.recorded_stamps["rows"].get("|".join(row.key), ""))

    def _of_these_deployments(self) -> list[Row]:
        """The recorded rows, less those that another training of a deployment in use made."""
        current = {
            (*case.name, case.deployment.protocol): provenance.deployment_hash(case.deployment) for case in self.cases
        }
        kept = []
        for row in self.recorded:
            now, stamp = current.get((row.dataset, row.method, row.protocol)), self._recorded_stamp(row)
            if now is None or stamp is None or stamp["inputs"].get("deployment") == now:
                kept.append(row)
        if len(kept) < len(self.recorded):
            self.notes.append(f"{len(self.recorded) - len(kept)} recorded rows of an earlier training were dropped")
        return kept

    def _stamp(self, case: Case, info: dict[str, Any], code: str) -> dict[str, Any]:
        """Where the rows of a case come from; holds no path of this computer."""
        dataset, method = case.name
        command = f"./reproduce.sh {FIGURE} --dataset {dataset} --method {method} --protocol {case.deployment.protocol}"
        rate, clock = self.args.bandwidth / 1e3, self.args.clock / 1e6
        command += f" --bandwidth {rate:.10g}kbps --clock {clock:.10g}MHz --images {self.args.images}"
        inputs = {
            "deployment": provenance.deployment_hash(case.deployment),
            "images": case.dataset.fingerprint,
            "origin": case.dataset.origin,
            "board": self.args.board,
            "code": code,
            "firmware": info,
        }
        return provenance.stamp(command, datasets.SEED, inputs)


def code_hash() -> str:
    """Names the sources under bench/ that measure, and the versions of the packages that they use."""
    root = provenance.ROOT / "bench"
    files = [file for name in CODE for file in ((root / name).rglob("*") if (root / name).is_dir() else [root / name])]
    kept = sorted(
        file for file in files if file.is_file() and "__pycache__" not in file.parts and not file.name.startswith(".")
    )
    parts = [part for file in kept for part in (str(file.relative_to(root)), file.read_bytes())]
    return provenance.text_hash(*parts, repr(sorted(provenance.versions().items())))[:16]
