"""What a training keeps on disk: weights of its last and of its best epoch as .npz (no pickle), and the history."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bench import provenance
from bench.errors import DataError
from bench.files import replace

FORMAT = 1  # raise it when old checkpoints no longer mean the same


def folder(settings: Mapping[str, Any]) -> Path:
    """Where a training with exactly these settings keeps its checkpoints: in the user's cache, made if missing."""
    text = json.dumps({"format": FORMAT, **settings}, sort_keys=True, default=str)
    path = provenance.cache("trainings", provenance.text_hash(text)[:16])
    replace(path / "settings.json", text)
    return path


def settings(path: Path) -> dict[str, Any]:
    """What `folder` was given for this path; {} where it was not made by it."""
    file = path / "settings.json"
    return dict(json.loads(file.read_text())) if file.is_file() else {}


class Checkpoint:
    """state.json names the best epoch and holds the metrics of every finished one; epochN.npz lie beside it.

    Weights files hold the optimizer's state, too. A kill at any time leaves the last finished epoch whole.
    """

    def __init__(self, path: Path) -> None:
        """Reads what is there. Raises DataError for a damaged state."""
        self.path = path
        self.history: list[dict[str, float]] = []
        self.best = 0  # epochs count from 1
        file = path / "state.json"
        if not file.is_file():
            return
        try:
            raw = json.loads(file.read_text())
            self.history, self.best = list(raw["history"]), int(raw["best"])
            if not (self.weights(self.epochs).is_file() and self.weights(self.best).is_file()):
                raise ValueError("a weights file is gone")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{file}: damaged checkpoint ({error})", do=self.anew) from None

    @property
    def anew(self) -> str:
        """What to do where it cannot be used; a figure's own trainings know no --fresh."""
        return f"train again with --fresh, or delete {self.path}"

    @property
    def epochs(self) -> int:
        return len(self.history)

    def weights(self, epoch: int) -> Path:
        return self.path / f"epoch{epoch}.npz"

    def save(self, model: Any, metrics: Mapping[str, float], monitor: str) -> None:
        """One more finished epoch. monitor: the metric that decides which is best (lowest for a loss, else highest)."""
        self.history.append({name: float(value) for name, value in metrics.items()})
        buffer = io.BytesIO()
        np.savez(buffer, *[variable.numpy() for variable in variables(model)])
        replace(self.weights(self.epochs), buffer.getvalue())
        sign = 1 if monitor.endswith("loss") else -1
        if not self.best or sign * self.history[-1][monitor] <= sign * self.history[self.best - 1][monitor]:
            self.best = self.epochs
        state = {"best": self.best, "history": self.history}
        replace(self.path / "state.json", json.dumps(state, indent=1))
        for old in self.path.glob("epoch*.npz"):
            if old not in (self.weights(self.epochs), self.weights(self.best)):
                old.unlink()

    def values(self, epoch: int) -> list[np.ndarray]:
        """The arrays of an epoch in the order of `variables`. Raises DataError for a damaged file."""
        file = self.weights(epoch)
        try:
            with np.load(file, allow_pickle=False) as saved:
                return [saved[name] for name in saved.files]
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise DataError(f"{file}: damaged checkpoint ({error})", do=self.anew) from None

    def load(self, model: Any, epoch: int) -> None:
        """Weights and optimizer state of an epoch. Raises DataError for a damaged file or another network."""
        model.optimizer.build(model.trainable_variables)
        known, values = variables(model), self.values(epoch)
        if [value.shape for value in values] != [tuple(variable.shape) for variable in known]:
            raise DataError(f"{self.weights(epoch)}: of another network", do=self.anew)
        for variable, value in zip(known, values, strict=True):
            variable.assign(value)


def forget(path: Path) -> None:
    """Removes a training's checkpoint and logs, whatever their state."""
    for file in (path / "state.json", *path.glob("epoch*.npz"), *path.glob("logs/*/*")):
        file.unlink(missing_ok=True)


def variables(model: Any) -> list[Any]:
    """Everything that a compiled model's training changes, in a fixed order: weights, then the optimizer's state."""
    return [*model.weights, *model.optimizer.variables]
