"""What happens after every batch and every epoch of a training: checks, checkpoint, time, logs."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.training.backend import keras, tf
from bench.training.checkpoint import Checkpoint


class Keeper(keras.callbacks.Callback):
    """Saves every epoch, stops at the first value that is not finite, and after the last epoch that fits."""

    def __init__(self, checkpoint: Checkpoint, monitor: str, deadline: float) -> None:
        super().__init__()
        self.checkpoint, self.monitor, self.deadline = checkpoint, monitor, deadline
        self.first, self.started = checkpoint.epochs, (0.0, 0.0)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.started = time.perf_counter(), time.process_time()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.check(logs, f"batch {batch + 1}")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.check(logs, "validation")
        spent = time.perf_counter() - self.started[0], time.process_time() - self.started[1]
        metrics = {**(logs or {}), "seconds": spent[0], "cpu_seconds": spent[1]}
        self.checkpoint.save(self.model, metrics, self.monitor)
        if not another_fits(self.checkpoint.history[self.first :], self.deadline):
            self.model.stop_training = True

    def check(self, logs: Mapping[str, Any] | None, where: str) -> None:
        wrong = [name for name, value in (logs or {}).items() if not math.isfinite(float(value))]
        terms = [name for name in wrong if name not in ("loss", "val_loss")] or wrong  # a sum, where a term explains it
        if wrong:
            kept = f"the last good checkpoint, epoch {self.checkpoint.epochs}, is in {self.checkpoint.path}"
            raise BenchError(
                f"training diverged in epoch {self.checkpoint.epochs + 1}, {where}: {', '.join(terms)} is not finite",
                do=f"lower the learning rate; {kept if self.checkpoint.epochs else 'no epoch was finished before'}",
            )


def another_fits(history: Sequence[Mapping[str, float]], deadline: float) -> bool:
    """Whether an epoch as slow as the slowest of `history` ends before `deadline` (of time.monotonic)."""
    return not history or time.monotonic() + max(epoch["seconds"] for epoch in history) <= deadline


def logs_folder(checkpoint: Checkpoint) -> Path:
    """Where a training writes its event files: train/ and validation/ inside."""
    return checkpoint.path / "logs"


class Events(keras.callbacks.Callback):
    """Writes the scalars of every epoch as event files; a resumed training adds one. TensorBoard need not be here."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        super().__init__()
        self.folder = logs_folder(checkpoint)
        self.writers: dict[str, Any] = {}

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        kind = tf.compat.v1.SummaryMetadata(data_class=1, plugin_data={"plugin_name": "scalars"})
        for name, value in (logs or {}).items():
            part = "validation" if name.startswith("val_") else "train"
            if part not in self.writers:
                self.writers[part] = tf.summary.create_file_writer(str(self.folder / part))
            with self.writers[part].as_default():
                tf.summary.write(name.removeprefix("val_"), tf.constant(value, tf.float32), epoch + 1, kind)
        for writer in self.writers.values():
            writer.flush()
