"""Edge-only offloading: the whole camera frame is compressed with LZW and sent; the device computes nothing else."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from bench.method import Deployment, Request, Server, Stage, StageKind
from bench.training.task import Task, open_task


@dataclass(frozen=True)
class Settings:
    """MobileNetV2's width multiplier, number of stages and head, and the schedule."""

    width: float = 0.5
    stages: int = 7
    head: int = 1280
    epochs: int = 7
    batch: int = 64
    rate: float = 0.1


BUDGETS = {
    ("digits", "quick"): Settings(stages=3, head=256, epochs=60, rate=0.05),
    ("digits", "full"): Settings(stages=3, head=256, epochs=200, rate=0.05),
    ("", "quick"): Settings(),
    ("", "full"): Settings(epochs=200),
}


class EdgeOnly:
    """The AgileNN paper's Edge-only baseline (Sec 7): same LZW, same kind of server network, no network on the device."""

    name = "edge_only"
    stages: tuple[StageKind, ...] = ()

    def train(self, request: Request) -> Deployment:
        """Trains (or resumes) the server network, exports it to request.out and saves the deployment."""
        task = open_task(request)
        settings = BUDGETS.get((request.dataset, request.budget)) or BUDGETS["", request.budget]
        from bench.training.backend import tensorflow

        tensorflow(request.seed)
        model, history = trained(task, settings)
        return export(task, settings, model, history)


def trained(task: Task, settings: Settings) -> tuple[Any, list[dict[str, float]]]:
    """The server network: MobileNetV2 whose 3x3 stem has stride 3 on 96x96 frames (1 at native size), and its history."""
    import keras

    from bench.training import fit, networks

    stages = networks.MOBILENET_V2[: settings.stages]
    model = networks.mobilenet(task.frame, task.classes, settings.width, stages, settings.head, stem_stride=task.stride)
    batches = task.batches(settings.batch)
    schedule = fit.Schedule(settings.epochs, settings.batch, settings.rate)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(schedule.optimizer(len(batches)), loss, metrics=["accuracy"])
    folder = fit.folder(task.key("edge_only", **dataclasses.asdict(settings)))
    return model, fit.fit(model, batches, task.validation(), schedule, folder, fresh=task.request.fresh)


def export(task: Task, settings: Settings, model: Any, history: list[dict[str, float]]) -> Deployment:
    """Writes the server network to request.out and the device program: code, send, receive, combine (the logits as they are)."""
    from bench.training import export as tflite
    from bench.training import fit

    request, out = task.request, task.request.out
    out.mkdir(parents=True, exist_ok=True)
    tflite.server(model, task.frame, out / "server.tflite")
    largest = float(abs(fit.predict(model, task.calibration(tflite.CALIBRATION))).max())
    frames, labels = task.validation()
    accuracy = float((fit.predict(model, frames).argmax(axis=1) == labels).mean())
    stages = (
        Stage("code", ("frame",), ("payload",), {"coder": "lzw", "bits": 8}),
        Stage("send", ("payload",)),
        Stage("receive", (), ("remote",)),
        Stage("combine", ("remote",), ("scores",), {"weights": [32768], "shifts": [0], "zeros": [0]}),
    )
    server = Server("server.tflite", task.frame, tuple(i / 255 for i in range(256)), False, 2 * largest / 32767, "lzw", 8)
    training = {
        **fit.summary(task, history),
        "settings": dataclasses.asdict(settings),
        "validation": {"accuracy": round(100 * accuracy, 2), "images": len(labels)},
    }
    deployment = Deployment(
        EdgeOnly.name, request.dataset, request.protocol, task.frame, task.classes, stages, server, training, out
    )
    deployment.save()
    return deployment
