"""The steps of training: the task network on original images, then everything with that network as the teacher."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from baselines.deepcod.method import STEP, Settings
from baselines.deepcod.model import DeepCODModel
from baselines.deepcod.networks import decoder, encoder
from bench.files import replace
from bench.training.backend import keras
from bench.training.checkpoint import folder
from bench.training.fit import Schedule, begun, complete, fit
from bench.training.loss import smoothed
from bench.training.networks import server_network
from bench.training.task import Task, minutes

TASK_KEYS = ("batch", "rate", "decay", "network", "width", "stages", "head", "smoothing")  # that decide the first step


def train(
    task: Task, settings: Settings, shape: tuple[int, int, int], name: str
) -> tuple[DeepCODModel, dict[str, Any]]:
    """The model at its best epoch, and its record. shape: of the codes.

    Raises BenchError when the request's minutes end before the second step has begun.
    """
    keras.utils.set_random_seed(task.request.seed)
    teacher, student = task_network(task, settings), task_network(task, settings)
    path = folder(task.key("deepcod", shape=shape, **dataclasses.asdict(settings)))
    kept, fresh = task.request.out / "weights.npz", task.request.fresh
    if not begun(path, kept, fresh):
        replace(path / "task_network.json", json.dumps(first_step(task, settings, teacher)))
        student.set_weights(teacher.get_weights())
    step = STEP[task.request.protocol]
    model = DeepCODModel(
        encoder(task.frame, shape[2], step, settings.hidden),
        decoder(shape, task.frame[2], settings.widths, (step // 2, 2)),
        student, teacher, settings,
    )  # fmt: skip
    schedule = Schedule(settings.epochs - settings.task_epochs, settings.batch, settings.joint_rate, settings.decay)
    batches = task.batches(settings.batch)
    model.compile(schedule.optimizer(len(batches)))
    history = fit(
        model, batches, task.validation(), schedule, path, fresh=fresh, deadline=task.deadline, kept=kept
    )  # fmt: skip
    before = json.loads(first.read_text()) if (first := path / "task_network.json").is_file() else None
    record = task.record(name, history, schedule.epochs)
    return model, {**record, "task_network": before, "settings": dataclasses.asdict(settings)}


def task_network(task: Task, settings: Settings) -> Any:
    """Frame -> logits; a stem brings enlarged frames to maps of native size, as for edge-only."""
    network, width, stages, head = settings.network, settings.width, settings.stages, settings.head
    return server_network(network, task.frame, task.classes, width, stages, head, task.stride)


def first_step(task: Task, settings: Settings, network: Any) -> dict[str, Any]:
    """Trains the task network on original images; all rates and encoders of a data set share it."""
    schedule = Schedule(settings.task_epochs, settings.batch, settings.rate, settings.decay)
    batches = task.batches(settings.batch)
    network.compile(schedule.optimizer(len(batches)), smoothed(settings.smoothing), metrics=["accuracy"])
    decisive = {key: getattr(settings, key) for key in TASK_KEYS}
    path = folder(task.key("deepcod task network", epochs=settings.task_epochs, **decisive))
    fresh, deadline = task.request.fresh, task.deadline
    history = fit(network, batches, task.validation(), schedule, path, fresh=fresh, deadline=deadline)
    complete(history, schedule, "task network")
    accuracy = round(100 * max(epoch["val_accuracy"] for epoch in history), 2)
    return {"epochs": len(history), "minutes": minutes(history), "accuracy": accuracy}
