"""Which data sets and methods a figure's command line asks for, and which of them can be measured here."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from bench import datasets, registry
from bench.datasets import Dataset
from bench.errors import DataError
from bench.figures import base
from bench.method import Deployment, Request, deployment_folder
from bench.provenance import deployment_hash

TRAIN_SEED = 0  # the default of `train`


@dataclass(frozen=True)
class Case:
    """One data set and method that can be measured here. identity: of the deployment's content."""

    dataset: Dataset
    deployment: Deployment
    identity: str

    @property
    def key(self) -> tuple[str, str, str]:
        """As the rows of a figure name it."""
        return (self.dataset.name, self.deployment.method, self.deployment.protocol)

    @property
    def same_split(self) -> bool:
        """False where the deployment was trained under another split: it may know some of these test images."""
        trained = self.deployment.training.get("data")
        if self.dataset.source == "sample" or not isinstance(trained, dict):
            return True
        official = {trained.get("origin"), self.dataset.origin} <= datasets.OFFICIAL_SPLIT
        return official or trained.get("fingerprint") == self.dataset.fingerprint

    @property
    def comparable(self) -> bool:
        """Whether numbers from it compare with published ones."""
        return self.dataset.comparable and self.same_split

    @property
    def sends_frame(self) -> bool:
        """Whether the server sees the camera's frame, not features."""
        return any(stage.op == "code" and stage.reads == ("frame",) for stage in self.deployment.stages)

    @property
    def title(self) -> str:
        return f"{self.dataset.name}, {self.deployment.method}"


class Images:
    """Opens the data sets of a command line. recorded: names that have records; trains: training images are needed."""

    def __init__(self, args: argparse.Namespace, recorded: Collection[str], trains: bool) -> None:
        self.args, self.recorded, self.trains = args, recorded, trains
        self.notes: list[str] = []

    def open(self, name: str) -> Dataset | None:
        """None, with a note, where images are missing. Raises DataError where it was named and has no records."""
        if not self._is_here(name):
            if name not in self.recorded and self.args.dataset:
                datasets.load(name, self.args.data_dir)  # says what was tried
            self._leave_out(name, "no images")
            return None
        dataset = datasets.load(name, self.args.data_dir)
        if self.trains and not dataset.counts["train"]:
            self._leave_out(name, "no training images")
            return None
        if dataset.note:
            self.notes.append(f"{name}: {dataset.note}")
        return dataset

    def _leave_out(self, name: str, missing: str) -> None:
        drawn = "drawn from the records" if name in self.recorded else "left out"
        get = f" (./reproduce.sh data {name})" if name in datasets.KNOWN else ""
        self.notes.append(f"{name}: {missing} here, {drawn}{get}")

    def _is_here(self, name: str) -> bool:
        """Whether images are somewhere; a damaged file counts, so that loading it says what is wrong."""
        if any((folder / f"{name}.npz").exists() for _, folder in datasets.folders(self.args.data_dir)):
            return True
        try:
            datasets.load(name, self.args.data_dir)
        except DataError:
            return False
        return True


class Cases:
    """The cases of a command line with dataset, method, protocol, data_dir, out, retrain, fresh.

    What is named must be there, else DataError says how to get it; of the rest, what is there. Data sets in `recorded`
    (names that have records) may lack images or a deployment. refuses: why the figure has no place for a deployment, ""
    if it has. trains: training images are needed. notes: sentences for the user.
    """

    def __init__(
        self, args: argparse.Namespace, recorded: Collection[str], refuses: Callable[[Deployment], str], trains: bool
    ) -> None:
        for method in args.method or []:
            registry.method(method)  # says which there are
        self.args, self.recorded, self.refuses = args, recorded, refuses
        self.images = Images(args, recorded, trains)
        self.notes = self.images.notes
        self.found = [case for name in args.dataset or self._datasets() for case in self._of(name)]

    def _of(self, name: str) -> list[Case]:
        dataset = self.images.open(name)
        if dataset is None:
            return []
        methods = self.args.method or [m for m in self._methods() if self.args.retrain or self._is_here(m, name)]
        if not methods and name not in self.recorded:
            do = f"train one: ./reproduce.sh train --method agilenn --dataset {name} --protocol {self.args.protocol}"
            raise DataError(f"no deployment for {name}, protocol {self.args.protocol}", do=do)
        deployments = [self._deployment(method, name) for method in methods]
        cases = [Case(dataset, deployment, deployment_hash(deployment)) for deployment in deployments]
        for case in cases:
            if not case.same_split:
                known = "it may have been trained on some of these test images"
                self.notes.append(f"{case.title}: trained under another split of {name}, {known}: train it again")
        return cases

    def _datasets(self) -> list[str]:
        """Those with a deployment under this protocol or with records."""
        pattern = f"models/*/*-{self.args.protocol}/deployment.json"
        trained = {file.parent.name.rpartition("-")[0] for home in self._homes() for file in home.glob(pattern)}
        return sorted(trained | {*self.recorded})

    def _methods(self) -> list[str]:
        """The registry's methods, and variants of them that are trained (folders METHOD--VARIANT)."""
        variants = {path.name.replace("--", ":") for home in self._homes() for path in home.glob("models/*--*")}
        return sorted({*registry.everything("method", registry.METHODS), *variants})

    def _homes(self) -> tuple[Path, Path]:
        """Where deployments may be: those that were trained into --out come before the committed ones."""
        return (self.args.out, base.RESULTS)

    def _folder(self, method: str, dataset: str) -> Path:
        """The folder of a deployment, which need not exist."""
        own, committed = (deployment_folder(home, method, dataset, self.args.protocol) for home in self._homes())
        return own if self.args.retrain or (own / "deployment.json").exists() else committed

    def _is_trained(self, method: str, dataset: str) -> bool:
        return (self._folder(method, dataset) / "deployment.json").exists()

    def _is_here(self, method: str, dataset: str) -> bool:
        """Trained, and of a kind that the figure takes."""
        return self._is_trained(method, dataset) and not self.refuses(Deployment.load(self._folder(method, dataset)))

    def _deployment(self, method: str, dataset: str) -> Deployment:
        args, folder = self.args, self._folder(method, dataset)
        if args.retrain:
            fresh, (_, _, variant) = args.fresh, method.partition(":")
            request = Request(
                dataset, args.protocol, folder, TRAIN_SEED, "quick", fresh, args.data_dir, variant=variant
            )
            registry.method(method).train(request)
        if not self._is_trained(method, dataset):
            do = f"train it: ./reproduce.sh train --method {method} --dataset {dataset} --protocol {args.protocol}"
            raise DataError(f"no deployment of {method} for {dataset}, protocol {args.protocol}", do=do)
        deployment = Deployment.load(folder)
        asked, found = (method, dataset, args.protocol), (deployment.method, deployment.dataset, deployment.protocol)
        if found != asked:
            raise DataError(
                f"{folder}/deployment.json says that it is something else", expected=", ".join(asked),
                got=", ".join(found), do="move it where it belongs, or train it again",
            )  # fmt: skip
        if reason := self.refuses(deployment):
            raise DataError(f"{method} has no place in this figure", got=reason)
        return deployment
