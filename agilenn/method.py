"""AgileNN as a method of the harness: train, export, write the device program. TensorFlow is imported when training starts."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from agilenn.config import Settings, settings_for
from bench.method import Deployment, Request, Server, Stage, StageKind
from bench.training.task import Task, open_task


class AgileNN:
    """Huang and Gao, MobiCom'22: important features stay on the device, the rest goes to the server as symbols."""

    name = "agilenn"
    stages: tuple[StageKind, ...] = ()

    def train(self, request: Request) -> Deployment:
        """Trains (or resumes), exports to request.out and saves the deployment. Raises DataError without training images."""
        task = open_task(request)
        settings = settings_for(request.dataset, request.budget)
        from bench.training.backend import tensorflow

        tensorflow(request.seed)
        model, history = joint(task, settings)
        return export(task, settings, model, history)


def joint(task: Task, settings: Settings) -> tuple[Any, list[dict[str, float]]]:
    """The trained Keras model and its history: first extractor + reference network, then everything together."""
    import keras

    from agilenn import networks
    from agilenn.model import agile_model
    from bench.training import fit

    extractor = networks.extractor(task.frame, settings.channels, task.stride)
    reference = networks.reference(extractor.output.shape[1:], task.classes, settings)
    batches, validation = task.batches(settings.batch), task.validation()

    first = fit.Schedule(settings.reference_epochs, settings.batch, settings.rate)
    judge = keras.Model(extractor.input, reference(extractor.output))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    judge.compile(first.optimizer(len(batches)), loss, metrics=["accuracy"])
    chosen = {k: v for k, v in dataclasses.asdict(settings).items() if k.startswith("reference_") or k in ("channels", "batch", "rate")}
    folder = fit.folder(task.key("agilenn reference", **chosen))
    fit.fit(judge, batches, validation, first, folder, fresh=task.request.fresh)

    model = agile_model(extractor, reference, task.classes, settings)
    second = fit.Schedule(settings.epochs, settings.batch, settings.rate)
    model.compile(second.optimizer(len(batches)))
    folder = fit.folder(task.key("agilenn", **dataclasses.asdict(settings)))
    # the total loss chooses the epoch: accuracy alone would prefer one whose importance is not yet skewed
    history = fit.fit(model, batches, validation, second, folder, monitor="val_loss", fresh=task.request.fresh)
    return model, history


def export(task: Task, settings: Settings, model: Any, history: list[dict[str, float]]) -> Deployment:
    """Writes extractor, Local NN and Remote NN to request.out with the integers that join them."""
    from keras import ops

    from agilenn import combine, quantizer
    from agilenn.report import validated
    from bench.training import export as tflite
    from bench.training import fit, pipeline

    out, k = task.request.out, settings.k
    out.mkdir(parents=True, exist_ok=True)
    frames = task.calibration(tflite.CALIBRATION)
    tflite.frame_network(model.extractor, frames, out / "extractor.tflite")
    scale, zero = tflite.quantization(out / "extractor.tflite")[1]
    features = tflite.run(out / "extractor.tflite", (frames ^ 0x80).view(np.int8))
    real = (features.astype(np.float32) - zero) * np.float32(scale)
    tflite.chained(model.local, real[..., :k], out / "extractor.tflite", out / "local.tflite")
    local_scale, local_zero = tflite.quantization(out / "local.tflite")[1]

    centroids = [float(c) for c in ops.convert_to_numpy(model.quantizer.centroids)]
    table = quantizer.table(np.array(centroids), scale, zero)
    shape = tuple(int(n) for n in model.remote.input.shape[1:])
    tflite.server(model.remote, shape, out / "server.tflite")
    values = np.array(centroids, np.float32)[np.array(table)[features[..., k:].astype(int) + 128]]
    logits = np.concatenate([model.remote(v, training=False) for v in np.array_split(values, 8)])
    shift = combine.logit_shift(local_scale, float(np.abs(logits).max()))

    stages = (
        Stage("net", ("frame",), ("features",), {"model": "extractor.tflite"}),
        Stage("split", ("features",), ("important",), {"channels": k}),
        Stage("net", ("important",), ("local",), {"model": "local.tflite"}),
        Stage("quantize", ("features",), ("symbols",), {"first": k, "table": table}),
        Stage("code", ("symbols",), ("payload",), {"coder": "lzw", "bits": settings.bits}),
        Stage("send", ("payload",)),
        Stage("receive", (), ("remote",)),
        Stage("combine", ("local", "remote"), ("scores",), {
            "weights": combine.q15(float(model.combine.alpha())), "shifts": [shift, 0], "zeros": [local_zero, 0],
        }),
    )  # fmt: skip
    server = Server("server.tflite", (shape[0], shape[1], shape[2]), tuple(centroids), True, local_scale / 2**shift, "lzw", settings.bits)
    training = {**fit.summary(task, history), "settings": dataclasses.asdict(settings)}
    request = task.request
    deployment = Deployment(
        AgileNN.name, request.dataset, request.protocol, task.frame, task.classes, stages, server, training, out
    )
    deployment = dataclasses.replace(deployment, training={**training, "validation": validated(task, model, deployment)})
    deployment.save()
    return deployment


