"""The two steps of training: extractor with its reference network, then everything together."""

from __future__ import annotations

import dataclasses
from typing import Any

from agilenn import networks
from agilenn.config import Settings
from agilenn.model import AgileModel
from bench.training.backend import keras
from bench.training.checkpoint import folder
from bench.training.fit import Schedule, fit
from bench.training.task import Task, minutes

REFERENCE_KEYS = frozenset({"channels", "batch", "rate"})  # that decide the first step, beside reference_*


def train(task: Task, settings: Settings) -> tuple[AgileModel, dict[str, Any]]:
    """The model with the weights of its best epoch, and how it was made (Task.record). Resumes either step."""
    keras.utils.set_random_seed(task.request.seed)
    extractor = networks.extractor(task.frame, settings.channels, task.stride)
    reference = networks.reference(extractor.output.shape[1:], task.classes, settings)
    batches, validation = task.batches(settings.batch), task.validation()

    judge = keras.Model(extractor.input, reference(extractor.output))
    schedule = Schedule(settings.reference_epochs, settings.batch, settings.rate)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    judge.compile(schedule.optimizer(len(batches)), loss, metrics=["accuracy"])
    chosen = {
        k: v for k, v in dataclasses.asdict(settings).items() if k.startswith("reference_") or k in REFERENCE_KEYS
    }
    path = folder(task.key("agilenn reference", **chosen))
    first = fit(judge, batches, validation, schedule, path, fresh=task.request.fresh)

    model = AgileModel(extractor, reference, task.classes, settings)
    schedule = Schedule(settings.epochs, settings.batch, settings.rate)
    model.compile(schedule.optimizer(len(batches)))
    path = folder(task.key("agilenn", **dataclasses.asdict(settings)))
    # the total loss chooses the epoch: accuracy alone would prefer one whose importance is not yet skewed
    second = fit(model, batches, validation, schedule, path, monitor="val_loss", fresh=task.request.fresh)
    before = {"epochs": len(first), "minutes": minutes(first), "accuracy": round(100 * first[-1]["val_accuracy"], 2)}
    record = {**task.record("agilenn", second), "reference": before, "settings": dataclasses.asdict(settings)}
    return model, record
