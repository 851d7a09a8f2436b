"""What every training starts from: images, the camera's frame, and the settings that name its checkpoints."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench import datasets, provenance
from bench.errors import DataError
from bench.method import Request
from bench.training import pipeline

LEAST = 8  # pixels along a side: the networks halve the image again and again


@dataclass(frozen=True)
class Task:
    """data: the images; frame: (H, W, C) on the device; stride: of the first layer, frame size over native size.

    deadline: of time.monotonic, when the minutes of the request are over.
    """

    request: Request
    data: datasets.Dataset
    frame: tuple[int, int, int]
    deadline: float = math.inf
    commit: str | None = field(default_factory=provenance.git_commit)  # of the code that trains, not of the end

    @property
    def stride(self) -> int:
        return self.frame[0] // self.data.shape[0]

    @property
    def classes(self) -> int:
        return len(self.data.classes)

    def batches(self, size: int) -> pipeline.Batches:
        return pipeline.Batches(self.data, self.frame, min(size, len(self.data.y_train)), self.request.seed)

    def validation(self) -> tuple[np.ndarray, np.ndarray]:
        """uint8 frames and labels of the validation split."""
        return datasets.frames(self.data.x_val, self.frame), self.data.y_val

    def test(self) -> tuple[np.ndarray, np.ndarray]:
        """uint8 frames and labels of the test split: for a result at the end, never for a choice."""
        return datasets.frames(self.data.x_test, self.frame), self.data.y_test

    def calibration(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """uint8 frames and labels of `count` training images, without augmentation, the same at every call."""
        rows = np.sort(np.random.default_rng(self.request.seed).permutation(len(self.data.y_train))[:count])
        return datasets.frames(self.data.x_train[rows], self.frame), self.data.y_train[rows]

    def key(self, step: str, **settings: Any) -> dict[str, Any]:
        """Settings that decide a training step's result; its checkpoints are found by them."""
        return {
            "step": step, "dataset": self.data.name, "images": self.data.learned_from,
            "frame": list(self.frame), "seed": self.request.seed, **settings,
            **({"code": self.request.code} if self.request.code else {}),
        }  # fmt: skip

    def record(self, method: str, history: Sequence[dict[str, float]], planned: int | None = None) -> dict[str, Any]:
        """How a model was made, as plain JSON: command, data, epochs, time, curves over the epochs, cores, versions.

        planned: epochs of the whole training, where fewer may be done. Curves are of the validation split; the loss is
        that of the prediction alone, where the model reports it beside other terms.
        """
        request = self.request
        chosen = f"--protocol {request.protocol} --budget {request.budget} --seed {request.seed}"
        return {
            "command": f"./reproduce.sh train --method {method} --dataset {request.dataset} {chosen}",
            "seed": request.seed,
            "budget": request.budget,
            "data": {"origin": self.data.origin, "note": self.data.note, "fingerprint": self.data.fingerprint},
            "images": {"train": len(self.data.y_train), "validation": len(self.data.y_val)},
            "epochs": len(history),
            "epochs_planned": planned or len(history),
            "minutes": minutes(history),
            "cpu_hours": cpu_hours(history),
            "curve": [round(epoch["val_accuracy"], 4) for epoch in history],
            "loss_curve": [round(epoch.get("val_prediction_loss", epoch["val_loss"]), 4) for epoch in history],
            "seconds_curve": [round(epoch["seconds"], 1) for epoch in history],
            "cores": provenance.cores(),
            "versions": provenance.versions(),
            "commit": self.commit,
        }


def minutes(history: Sequence[dict[str, float]]) -> float:
    """Wall time of the epochs that fit() returned."""
    return round(sum(epoch["seconds"] for epoch in history) / 60, 2)


def cpu_hours(history: Sequence[dict[str, float]]) -> float | None:
    """CPU time of the epochs that fit() returned, over all cores; None where an epoch did not record it."""
    if not all("cpu_seconds" in epoch for epoch in history):
        return None
    return round(sum(epoch["cpu_seconds"] for epoch in history) / 3600, 5)


def open_task(request: Request) -> Task:
    """Finds the images. Raises DataError where there are too few or too small ones, UnknownName for an unknown set."""
    data = datasets.load(request.dataset, request.data_dir)
    if data.source == "sample":
        raise DataError(
            f"cannot train on {data.name}: only {data.counts['test']} sample test images are here",
            expected=f"{data.name}.npz with training images",
            do=f"run ./reproduce.sh data {data.name}, or give --data-dir FOLDER",
        )
    height, width, _ = data.shape
    where = f"cannot train on {data.name} ({data.path})"
    if min(height, width) < LEAST:
        raise DataError(f"{where}: too small", expected=f"{LEAST} x {LEAST} pixels or more", got=f"{height} x {width}")
    if not len(data.y_train) or not len(data.y_val):
        raise DataError(
            f"{where}: too few training images, a tenth of each class is for validation",
            expected="6 or more of a class",
            got=f"{data.counts['train']} images of {len(data.classes)} classes",
        )
    deadline = math.inf if request.minutes is None else time.monotonic() + 60 * request.minutes
    return Task(request, data, datasets.frame_shape(data.shape, request.protocol), deadline)
