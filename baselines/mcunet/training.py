"""MCUNet's one network, on the device: training, int8 export, device program."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from baselines.mcunet import network
from bench import offload
from bench.method import Deployment, Stage
from bench.training import budget, export
from bench.training.backend import keras
from bench.training.checkpoint import folder
from bench.training.fit import Schedule, fit, predict
from bench.training.loss import smoothed
from bench.training.mcunet import Net
from bench.training.task import Task

FILE = "network.tflite"
COMPARED = 2000  # at most so many validation images does the int8 network classify: its reference is slow


def train(task: Task, net: Net, plan: budget.Plan, name: str) -> tuple[Any, dict[str, Any]]:
    """The network at its best epoch, and its record."""
    keras.utils.set_random_seed(task.request.seed)
    model = network.build(net, task.frame[2], task.classes)
    batches = task.batches(plan.batch)
    schedule = Schedule(**dataclasses.asdict(plan))
    plain = keras.metrics.SparseCategoricalCrossentropy("prediction_loss", from_logits=True)  # without smoothing
    model.compile(schedule.optimizer(len(batches)), smoothed(budget.SMOOTHING), metrics=["accuracy", plain])
    settings = {**dataclasses.asdict(plan), "smoothing": budget.SMOOTHING, "stem": net.stem, "layout": net.blocks}
    history = fit(
        model, batches, task.validation(), schedule, folder(task.key("mcunet", **settings, head=net.head)),
        fresh=task.request.fresh, deadline=task.deadline, kept=task.request.out / "weights.npz",
    )  # fmt: skip
    return model, {**task.record(name, history, schedule.epochs), "settings": dataclasses.asdict(plan)}


def deploy(task: Task, model: Any, record: Mapping[str, Any], name: str) -> Deployment:
    """Writes the int8 network to request.out, then deployment.json: the network, its logits as they are."""
    request, out = task.request, task.request.out
    out.mkdir(parents=True, exist_ok=True)
    export.frame_network(model, task.calibration(export.CALIBRATION)[0], out / FILE)
    zero = export.quantization(out / FILE)[1][1]
    stages = (
        Stage("net", ("frame",), ("logits",), {"model": FILE}),
        offload.as_they_are("logits", zero),
    )
    deployment = Deployment(
        name, request.dataset, request.protocol, task.frame, task.classes, stages, None,
        {**record, **assess(task, model)}, out,
    )  # fmt: skip
    deployment.save()
    return deployment


def assess(task: Task, model: Any) -> dict[str, Any]:
    """Accuracy (%) of the float32 network on the validation split; of it and the int8 file on some of these."""
    frames, labels = task.validation()
    float32 = predict(model, frames).argmax(axis=1) == labels
    some = slice(None, None, -(-len(labels) // COMPARED))  # evenly: a split may be ordered by class
    int8 = export.run(task.request.out / FILE, export.as_int8(frames[some])).argmax(axis=1) == labels[some]
    compared = {"float32": percent(float32[some]), "int8": percent(int8), "images": len(int8)}
    return {"validation": {"accuracy": percent(float32), "images": len(labels)}, "quantization": compared}


def percent(right: np.ndarray) -> float:
    return round(100 * float(right.mean()), 2)
