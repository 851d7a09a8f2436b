"""`model.fit` that survives interruption: a checkpoint per epoch, the best one by validation, a stop at NaN."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench import provenance
from bench.errors import BenchError, DataError
from bench.training.backend import tensorflow
from bench.training.pipeline import Batches, unit
from bench.training.task import Task

FORMAT = 1  # raise it when old checkpoints no longer mean the same


@dataclass(frozen=True)
class Schedule:
    """SGD with momentum 0.9 and decoupled weight decay; the rate rises over the first 5 % of steps, then falls as a cosine."""

    epochs: int
    batch: int = 64
    rate: float = 0.1
    decay: float = 5e-4

    def optimizer(self, steps_per_epoch: int) -> Any:
        import keras

        steps = self.epochs * steps_per_epoch
        warm = max(1, steps // 20)
        rate = keras.optimizers.schedules.CosineDecay(
            self.rate / 10, max(1, steps - warm), alpha=0.001, warmup_target=self.rate, warmup_steps=warm
        )
        return keras.optimizers.SGD(rate, momentum=0.9, nesterov=True, weight_decay=self.decay, clipnorm=5.0)


def folder(settings: Mapping[str, Any]) -> Path:
    """Where a training with exactly these settings keeps its checkpoints (created; outside the repository)."""
    text = json.dumps({"format": FORMAT, **settings}, sort_keys=True, default=str)
    path = provenance.cache("trainings", hashlib.sha256(text.encode()).hexdigest()[:16])
    path.mkdir(parents=True, exist_ok=True)
    write(path / "settings.json", text)
    return path


def write(path: Path, text: str) -> None:
    """Writes a file under a temporary name, then renames it."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text)
    partial.replace(path)


class State:
    """What is on disk: state.json names the last epoch's and the best epoch's weights (with optimizer) and the history."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.history: list[dict[str, float]] = []
        self.best: int | None = None

    def load(self) -> bool:
        """True where a checkpoint was found; raises DataError for a damaged one."""
        file = self.path / "state.json"
        if not file.is_file():
            return False
        try:
            raw = json.loads(file.read_text())
            self.history, self.best = list(raw["history"]), raw["best"]
            if not self.weights(len(self.history)).is_file() or not self.weights(self.best).is_file():
                raise ValueError("a weights file is gone")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(f"{file}: damaged checkpoint ({error})", do="train again with --fresh") from None
        return True

    def weights(self, epoch: int | None) -> Path:
        return self.path / f"epoch{epoch}.weights.h5"

    def save(self, model: Any, logs: Mapping[str, float], monitor: str) -> None:
        """One more finished epoch. The weights are complete on disk before state.json names them."""
        self.history.append({k: float(v) for k, v in logs.items()})
        epoch = len(self.history)
        partial = self.path / "partial.weights.h5"
        model.save_weights(partial)
        partial.replace(self.weights(epoch))
        sign = 1 if monitor.endswith("loss") else -1
        if self.best is None or sign * self.history[-1][monitor] <= sign * self.history[self.best - 1][monitor]:
            self.best = epoch
        write(self.path / "state.json", json.dumps({"best": self.best, "history": self.history}, indent=1))
        for old in self.path.glob("epoch*.weights.h5"):
            if old not in (self.weights(epoch), self.weights(self.best)):
                old.unlink()


def fit(
    model: Any,
    batches: Batches,
    validation: tuple[np.ndarray, np.ndarray],
    schedule: Schedule,
    path: Path,
    monitor: str = "val_accuracy",
    fresh: bool = False,
    verbose: int | None = None,
) -> list[dict[str, float]]:
    """Trains the compiled Keras model, or goes on where it stopped; leaves it with the weights of its best epoch.

    verbose: as in Keras; None: a progress bar on a terminal, else one line per epoch.
    monitor: the validation quantity that chooses the epoch (lowest for a loss, highest otherwise; ties to the later).
    Returns one dict of metrics per epoch. Raises BenchError where a term is no longer a number; DataError where the
    checkpoint is damaged. The last good checkpoint stays in `path` in every case.
    """
    import keras

    state = State(path)
    if fresh:
        shutil.rmtree(path / "", ignore_errors=True)
        path.mkdir(parents=True, exist_ok=True)
    if state.load():
        load(model, state.weights(len(state.history)))

    class Keeper(keras.callbacks.Callback):
        started = 0.0

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.started = time.perf_counter()

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            check(logs, len(state.history) + 1, batch, path)

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            check(logs, epoch + 1, len(batches), path)
            seconds = time.perf_counter() - self.started
            state.save(self.model, {**(logs or {}), "seconds": seconds}, monitor)

    start = len(state.history)
    if start < schedule.epochs:
        model.fit(
            stream(batches, start, schedule.epochs),
            initial_epoch=start,
            epochs=schedule.epochs,
            steps_per_epoch=len(batches),
            validation_data=stream_validation(*validation, 2 * schedule.batch),
            callbacks=[Keeper()],
            verbose=(1 if sys.stdout.isatty() else 2) if verbose is None else verbose,
        )
    load(model, state.weights(state.best))
    return state.history


def stream(batches: Batches, start: int, stop: int) -> Any:
    """Epochs start..stop-1 as one tf.data stream, two batches ahead of the training step."""
    tf = tensorflow()
    signature = (tf.TensorSpec((batches.batch, *batches.shape), tf.float32), tf.TensorSpec((batches.batch,), tf.int64))

    def generate() -> Any:
        for number in range(start, stop):
            yield from batches.epoch(number)

    return tf.data.Dataset.from_generator(generate, output_signature=signature).prefetch(2)


def stream_validation(frames: np.ndarray, labels: np.ndarray, batch: int) -> Any:
    """uint8 frames and labels as batches of float32 in [0, 1]."""
    tf = tensorflow()
    data = tf.data.Dataset.from_tensor_slices((frames, labels)).batch(batch)
    return data.map(lambda x, y: (tf.cast(x, tf.float32) / 255.0, y))


def load(model: Any, file: Path) -> None:
    """Weights and optimizer state of an earlier epoch. Raises DataError for a damaged file or another network."""
    model.optimizer.build(model.trainable_variables)
    try:
        model.load_weights(file)
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{file}: damaged checkpoint ({str(error)[:120]})", do="train again with --fresh") from None


def check(logs: Mapping[str, Any] | None, epoch: int, batch: int, path: Path) -> None:
    """Raises BenchError that names the terms which are not finite."""
    wrong = [k for k, v in (logs or {}).items() if not math.isfinite(float(v))]
    if wrong:
        raise BenchError(
            f"training diverged: {', '.join(wrong)} not finite in epoch {epoch}, batch {batch}",
            do=f"lower the learning rate; the last good checkpoint is in {path}",
        )


def predict(model: Any, frames: np.ndarray, batch: int = 128) -> Any:
    """Outputs of the network for uint8 frames (N, H, W, C), as NumPy arrays (a dict of them where it has several)."""
    import keras

    parts = [model(unit(frames[i : i + batch]), training=False) for i in range(0, len(frames), batch)]
    if isinstance(parts[0], dict):
        return {k: np.concatenate([keras.ops.convert_to_numpy(p[k]) for p in parts]) for k in parts[0]}
    return np.concatenate([keras.ops.convert_to_numpy(p) for p in parts])


def summary(task: Task, history: list[dict[str, float]]) -> dict[str, Any]:
    """How a model was made, as plain JSON: command, versions, seed, data, epochs, minutes, and the validation curve."""
    request = task.request
    return {
        "seed": request.seed,
        "budget": request.budget,
        "data": {"origin": task.data.origin, "note": task.data.note, "fingerprint": task.data.fingerprint},
        "images": {"train": len(task.data.y_train), "validation": len(task.data.y_val)},
        "epochs": len(history),
        "minutes": round(sum(h["seconds"] for h in history) / 60, 2),
        "curve": [round(h["val_accuracy"], 4) for h in history],
        "versions": provenance.versions(),
        "commit": provenance.git_commit(),
    }
