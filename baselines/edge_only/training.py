"""Edge-only's one network, on the server: training and export."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from baselines.edge_only.codecs import BITS, Codec, choose
from baselines.edge_only.distortion import Distorted
from baselines.edge_only.method import Settings
from bench import offload
from bench.method import Deployment, Server
from bench.training import export
from bench.training.backend import keras
from bench.training.checkpoint import folder
from bench.training.fit import Schedule, fit, predict
from bench.training.loss import smoothed
from bench.training.networks import server_network
from bench.training.task import Task


def train(task: Task, settings: Settings, name: str) -> tuple[Any, dict[str, Any]]:
    """The server network at its best epoch, and its record. Its stem has stride 3 on 96x96 frames, 1 at native size.

    Variants share the checkpoint, and the file of weights is beside the bare method alone.
    """
    keras.utils.set_random_seed(task.request.seed)
    model = server_network(
        settings.network, task.frame, task.classes, settings.width, settings.stages, settings.head, task.stride
    )
    batches = task.batches(settings.batch)
    if settings.distorted:
        batches = Distorted(batches.data, batches.shape, batches.batch, batches.seed)
    schedule = Schedule(settings.epochs, settings.batch, settings.rate, settings.decay)
    plain = keras.metrics.SparseCategoricalCrossentropy("prediction_loss", from_logits=True)  # without smoothing
    model.compile(schedule.optimizer(len(batches)), smoothed(settings.smoothing), metrics=["accuracy", plain])
    path = folder(task.key("edge_only", **dataclasses.asdict(settings)))
    kept = None if task.request.variant else task.request.out / "weights.npz"
    history = fit(
        model, batches, task.validation(), schedule, path,
        fresh=task.request.fresh, deadline=task.deadline, kept=kept,
    )  # fmt: skip
    return model, {**task.record(name, history, schedule.epochs), "settings": dataclasses.asdict(settings)}


def deploy(task: Task, model: Any, record: Mapping[str, Any], name: str, codec: Codec | None) -> Deployment:
    """Writes the server network to request.out, then deployment.json: code, send, receive, take the logits as they are.

    codec: None: the best one. logit_scale leaves a factor of 2 above the largest logit of the calibration images within
    int16. Validation accuracy is that of the images that arrive.
    """
    request, out = task.request, task.request.out
    out.mkdir(parents=True, exist_ok=True)
    export.server(model, task.frame, out / "server.tflite")
    largest = float(np.abs(predict(model, task.calibration(export.CALIBRATION)[0])).max())
    training = dict(record)
    if codec is None:
        codec, training["codecs"] = choose(task, lambda frames: predict(model, frames).argmax(axis=1))
    frames, labels = task.validation()
    hits = predict(model, codec.arriving(frames)).argmax(axis=1) == labels
    training["validation"] = {"accuracy": round(100 * float(hits.mean()), 2), "images": len(labels)}
    stages = (*offload.exchange("frame", codec.coder, BITS, codec.tables), offload.as_they_are("remote"))
    server = Server(
        model="server.tflite", shape=task.frame, values=tuple(i / 255 for i in range(256)), planar=False,
        logit_scale=offload.logit_scale(largest), coder=codec.coder, bits=BITS, tables=codec.tables,
    )  # fmt: skip
    deployment = Deployment(
        name, request.dataset, request.protocol, task.frame, task.classes, stages, server, training, out
    )
    deployment.save()
    return deployment
