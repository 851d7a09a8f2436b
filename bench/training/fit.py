"""`model.fit` that survives interruption: a checkpoint per epoch, the best one by validation, a stop in time."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.errors import BenchError
from bench.results import exclusive
from bench.training import callbacks, snapshot
from bench.training.backend import keras, tf
from bench.training.checkpoint import Checkpoint, forget
from bench.training.pipeline import Batches, unit

UNDECAYED = ["gamma", "beta", "bias", "^w$", "places"]  # names of variables that are no kernels


@dataclass(frozen=True)
class Schedule:
    """SGD, momentum 0.9, decoupled weight decay of kernels.

    The rate rises over the first 5 % of steps, then falls as a cosine.
    """

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
        optimizer = keras.optimizers.SGD(rate, momentum=0.9, nesterov=True, weight_decay=self.decay, clipnorm=5.0)
        optimizer.exclude_from_weight_decay(var_names=UNDECAYED)
        return optimizer


def fit(
    model: Any,
    batches: Batches,
    validation: tuple[np.ndarray, np.ndarray],
    schedule: Schedule,
    path: Path,
    monitor: str = "val_accuracy",
    fresh: bool = False,
    verbose: int | None = None,
    deadline: float = math.inf,
    kept: Path | None = None,
) -> list[dict[str, float]]:
    """Trains the compiled Keras model, or goes on where it stopped; leaves it with the weights of its best epoch.

    path: the checkpoint's folder. monitor: the validation quantity that chooses the epoch (lowest for a loss, highest
    otherwise; ties to the later). verbose: as in Keras; None: a progress bar on a terminal, else one line per epoch.
    deadline: of time.monotonic; the last epoch that fits is the last one (the very first always runs).
    kept: a file of float16 weights (snapshot.py), written at the end; without a checkpoint the training starts from it.
    Returns one dict of metrics per epoch. Raises BenchError where a term is no longer finite or `kept` is of another
    training, DataError where checkpoint or file is damaged; the last good checkpoint stays in every case. Where another
    process is at the same training, this one waits, then goes on from there.
    """
    path.mkdir(parents=True, exist_ok=True)
    with exclusive(path):
        done = begun(path, kept, fresh)
        checkpoint = Checkpoint(path)
        if checkpoint.epochs:
            checkpoint.load(model, checkpoint.epochs)
        elif done and kept:
            resume(model, checkpoint, kept, monitor, done * len(batches))
        if done < schedule.epochs and callbacks.another_fits(checkpoint.history[-1:], deadline):
            if verbose != 0:
                print(f"logs for TensorBoard: {callbacks.logs_folder(checkpoint)}", file=sys.stderr)
            model.fit(
                stream(batches, done, schedule.epochs),
                initial_epoch=done,
                epochs=schedule.epochs,
                steps_per_epoch=len(batches),
                validation_data=held_out(*validation, 2 * schedule.batch),
                callbacks=[callbacks.Events(checkpoint), callbacks.Keeper(checkpoint, monitor, deadline)],
                shuffle=False,
                verbose=(1 if sys.stdout.isatty() else 2) if verbose is None else verbose,
            )
        if checkpoint.epochs < schedule.epochs:
            last = f"the last took {checkpoint.history[-1]['seconds']:.0f} s"
            print(
                f"stopped after epoch {checkpoint.epochs} of {schedule.epochs}: no time for another ({last})",
                file=sys.stderr,
            )
        checkpoint.load(model, checkpoint.best)
        if kept:
            snapshot.keep(kept, model, checkpoint, schedule.epochs)
        return checkpoint.history


def begun(path: Path, kept: Path | None, fresh: bool) -> int:
    """Epochs that a `fit` with these arguments finds done; with `fresh` the checkpoint is removed. Raises as `fit`."""
    if fresh:
        forget(path)
        return 0
    held = len(snapshot.history(kept, path)) if kept else 0  # raises where the file is another training's
    return Checkpoint(path).epochs or held


def resume(model: Any, checkpoint: Checkpoint, kept: Path, monitor: str, steps: int) -> None:
    """Starts a checkpoint from the file `kept`, as after `steps` steps; the optimizer's momentum starts at zero."""
    snapshot.load(kept, model)
    model.optimizer.build(model.trainable_variables)
    model.optimizer.iterations.assign(steps)
    *checkpoint.history, last = snapshot.history(kept, checkpoint.path)
    checkpoint.save(model, last, monitor)
    print(f"going on after epoch {checkpoint.epochs} from {kept}: float16 weights, new momentum", file=sys.stderr)


def complete(history: Sequence[object], schedule: Schedule, what: str) -> None:
    """Raises BenchError where a training on which others build did not come to its end."""
    if len(history) < schedule.epochs:
        raise BenchError(
            f"the time is up in the {what}, epochs {len(history)} of {schedule.epochs}",
            do="the same command goes on from there",
        )


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
