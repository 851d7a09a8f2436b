"""The steps of training: extractor with its reference network, channel selection, then everything together."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from agilenn import mapping, networks, references, selection
from agilenn.attribution import Attribution, explain
from agilenn.config import Settings
from agilenn.losses import per_channel
from agilenn.model import AgileModel, right
from bench.errors import BenchError
from bench.files import replace
from bench.training.backend import keras
from bench.training.checkpoint import folder
from bench.training.fit import Schedule, begun, complete, fit
from bench.training.pipeline import unit
from bench.training.task import Task, cpu_hours, minutes

SELECTED_FROM = 5000  # training images of which Algorithm 1 takes the importance
# what decides the first step, beside reference*
REFERENCE_KEYS = frozenset({"channels", "extractor", "depth", "batch", "decay"})


@dataclass(frozen=True)
class Trained:
    """model: with the weights of its best epoch; extractor: the model's, without a mapping; record: how it was made."""

    model: AgileModel
    extractor: Any
    record: dict[str, Any]


def train(task: Task, settings: Settings, name: str) -> Trained:
    """Trains or resumes. Raises BenchError when the request's minutes end before the joint training has begun."""
    keras.utils.set_random_seed(task.request.seed)
    extractor = untrained(task, settings)
    shape = extractor.output.shape[1:]
    reference = references.build(settings.reference, shape, task.classes, settings.reference_width)
    path = folder(task.key("agilenn", **settings.identity()))
    kept, fresh = task.request.out / "weights.npz", task.request.fresh
    chosen = np.arange(settings.channels)
    if not begun(path, kept, fresh):
        replace(path / "reference.json", json.dumps(first_step(task, settings, extractor, reference)))
        if settings.selection == "algorithm1":
            chosen = selection.order(importance(task, settings, extractor, reference), settings.k)
            selection.permute(extractor, chosen)
        if not settings.pretrained:
            extractor = untrained(task, settings)
    if settings.selection == "algorithm1":
        reference = selection.ordered(reference, chosen)

    mapped = mapping.insert(extractor) if settings.mapping else extractor
    model = AgileModel(mapped, reference, task.classes, settings)
    schedule = Schedule(settings.epochs, settings.batch, settings.rate, settings.decay)
    batches = task.batches(settings.batch)
    model.compile(schedule.optimizer(len(batches)))
    # the total loss chooses the epoch: accuracy alone would prefer one whose importance is not yet skewed
    history = fit(
        model, batches, task.validation(), schedule, path,
        monitor="val_loss", fresh=fresh, deadline=task.deadline, kept=kept,
    )  # fmt: skip
    if settings.mapping:
        mapping.fold(extractor, mapped)
    record = task.record(name, history, settings.epochs)
    before = json.loads(first.read_text()) if (first := path / "reference.json").is_file() else None
    return Trained(model, extractor, {**record, "reference": before, "settings": dataclasses.asdict(settings)})


def untrained(task: Task, settings: Settings) -> Any:
    """A new extractor."""
    return networks.extractor(task.frame, settings.channels, task.stride, settings.extractor, settings.depth)


def first_step(task: Task, settings: Settings, extractor: Any, reference: Any) -> dict[str, Any]:
    """Trains extractor and reference network as one classifier; the paper's pre-trained pair (Sec 3.1, 5)."""
    judge = keras.Model(extractor.input, reference(extractor.output))
    batches = task.batches(settings.batch)
    schedule = Schedule(settings.reference_epochs, settings.batch, settings.reference_rate, settings.decay)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    judge.compile(schedule.optimizer(len(batches)), loss, metrics=["accuracy"])
    values = settings.identity()
    decisive = {k: v for k, v in values.items() if k.startswith("reference") or k in REFERENCE_KEYS}
    path = folder(task.key("agilenn reference", **decisive))
    fresh, deadline = task.request.fresh, task.deadline
    history = fit(judge, batches, task.validation(), schedule, path, fresh=fresh, deadline=deadline)
    complete(history, schedule, "reference network")
    accuracy = round(100 * history[-1]["val_accuracy"], 2)
    cost = {"minutes": minutes(history), "cpu_hours": cpu_hours(history)}
    return {"epochs": len(history), **cost, "accuracy": accuracy}


def importance(task: Task, settings: Settings, extractor: Any, reference: Any) -> np.ndarray:
    """(N, C): importance of the channels on training images that the reference network classifies rightly.

    Raises BenchError where there is none.
    """
    how = Attribution(settings.rule, settings.points, settings.baseline)
    found = []
    frames, labels = task.calibration(SELECTED_FROM)
    for i in range(0, len(frames), settings.batch):
        features = extractor(unit(frames[i : i + settings.batch]), training=False)
        target = keras.ops.convert_to_tensor(labels[i : i + settings.batch])
        correct = keras.ops.convert_to_numpy(right(target, reference(features, training=False)))
        found.append(keras.ops.convert_to_numpy(per_channel(explain(reference, features, target, how)))[correct])
    if not sum(map(len, found)):
        raise BenchError(
            f"the reference network classifies none of {len(frames)} training images rightly",
            do="train it for more epochs (reference_epochs), or at another rate (reference_rate)",
        )
    return np.concatenate(found)
