"""`model.fit` that survives interruption: a checkpoint per epoch, the best one by validation, a stop at NaN."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.errors import BenchError
from bench.training.backend import keras, tf
from bench.training.checkpoint import Checkpoint, forget
from bench.training.pipeline import Batches, unit


@dataclass(frozen=True)
class Schedule:
    """SGD, momentum 0.9, decoupled weight decay; the rate rises over the first 5 % of steps, then falls as a cosine."""

    epochs: int
    batch: int = 64
    rate: float = 0.1
    decay: float = 5e-4

    def optimizer(self, steps_per_epoch: int) -> Any:
        steps = self.epochs * steps_per_epoch
        warm = max(1, steps // 20)
        rate = keras.optimizers.schedules.CosineDecay(
            self.rate / 10, max(1, steps - warm), alpha=0.001, warmup_target=self.rate, warmup_steps=warm
        )
        return keras.optimizers.SGD(rate, momentum=0.9, nesterov=True, weight_decay=self.decay, clipnorm=5.0)


class Keeper(keras.callbacks.Callback):
    """Saves every epoch and stops at the first value that is not finite."""

    def __init__(self, checkpoint: Checkpoint, monitor: str) -> None:
        super().__init__()
        self.checkpoint, self.monitor, self.started = checkpoint, monitor, 0.0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.started = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.check(logs, f"batch {batch + 1}")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.check(logs, "validation")
        seconds = time.perf_counter() - self.started
        self.checkpoint.save(self.model, {**(logs or {}), "seconds": seconds}, self.monitor)

    def check(self, logs: Mapping[str, Any] | None, where: str) -> None:
        wrong = [name for name, value in (logs or {}).items() if not math.isfinite(float(value))]
        if wrong:
            raise BenchError(
                f"training diverged in epoch {self.checkpoint.epochs + 1}, {where}: {', '.join(wrong)} is not finite",
                do=f"lower the learning rate; the last good checkpoint is in {self.checkpoint.path}",
            )


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

    path: the checkpoint's folder. monitor: the validation quantity that chooses the epoch (lowest for a loss, highest
    otherwise; ties to the later). verbose: as in Keras; None: a progress bar on a terminal, else one line per epoch.
    Returns one dict of metrics per epoch. Raises BenchError where a term is no longer finite, DataError where the
    checkpoint is damaged; the last good checkpoint stays in every case.
    """
    if fresh:
        forget(path)
    checkpoint = Checkpoint(path)
    start = checkpoint.epochs
    if start:
        checkpoint.load(model, start)
    if start < schedule.epochs:
        model.fit(
            stream(batches, start, schedule.epochs),
            initial_epoch=start,
            epochs=schedule.epochs,
            steps_per_epoch=len(batches),
            validation_data=held_out(*validation, 2 * schedule.batch),
            callbacks=[Keeper(checkpoint, monitor)],
            shuffle=False,
            verbose=(1 if sys.stdout.isatty() else 2) if verbose is None else verbose,
        )
    checkpoint.load(model, checkpoint.best)
    return checkpoint.history


def stream(batches: Batches, start: int, stop: int) -> Any:
    """Epochs start..stop-1 as one tf.data stream, two batches ahead of the training step."""
    signature = (tf.TensorSpec((batches.batch, *batches.shape), tf.float32), tf.TensorSpec((batches.batch,), tf.int64))

    def generate() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for number in range(start, stop):
            yield from batches.epoch(number)

    return tf.data.Dataset.from_generator(generate, output_signature=signature).prefetch(2)


def held_out(frames: np.ndarray, labels: np.ndarray, batch: int = 128) -> Any:
    """uint8 frames and labels as a tf.data stream of float32 batches in [0, 1]."""
    data = tf.data.Dataset.from_tensor_slices((frames, labels)).batch(batch)
    return data.map(lambda x, y: (tf.cast(x, tf.float32) / 255.0, y))


def predict(model: Any, frames: np.ndarray, batch: int = 128) -> np.ndarray:
    """Output of the network for uint8 frames (N, H, W, C)."""
    parts = [model(unit(frames[i : i + batch]), training=False) for i in range(0, len(frames), batch)]
    return np.concatenate([keras.ops.convert_to_numpy(part) for part in parts])
