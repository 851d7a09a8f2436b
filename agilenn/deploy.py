"""A trained model -> int8 files, server file, and the integers that join them: features, symbols, logits."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from agilenn.combine import logit_shift, q15
from agilenn.config import Settings
from agilenn.model import AgileModel
from agilenn.quantizer import table
from bench.method import Deployment, Server, Stage
from bench.training import export
from bench.training.backend import keras
from bench.training.fit import held_out
from bench.training.task import Task

INTEGER_IMAGES = 500  # validation images that also go through the integer program
PERCENT = ("accuracy", "local_accuracy", "remote_accuracy", "reference_accuracy", "skewness", "violations")


def deploy(task: Task, settings: Settings, model: AgileModel, record: Mapping[str, Any], name: str) -> Deployment:
    """Writes extractor, Local NN and Remote NN to request.out, then deployment.json with the device program."""
    request, out, k = task.request, task.request.out, settings.k
    out.mkdir(parents=True, exist_ok=True)
    device, local, remote = out / "extractor.tflite", out / "local.tflite", out / "server.tflite"
    frames = task.calibration(export.CALIBRATION)
    export.frame_network(model.extractor, frames, device)
    scale, zero = export.quantization(device)[1]
    features = export.run(device, as_int8(frames))
    export.chained(model.local, np.float32(scale) * (features[..., :k].astype(np.float32) - zero), device, local)
    height, width, channels = features.shape[1:]
    export.server(model.remote, (height, width, channels - k), remote)

    centroids = keras.ops.convert_to_numpy(model.quantizer.centroids).astype(float)
    symbols = table(centroids, scale, zero)
    values = centroids.astype(np.float32)[np.array(symbols)[features[..., k:].astype(int) + 128]]
    local_scale, local_zero = export.quantization(local)[1]
    shift = logit_shift(local_scale, float(np.abs(remote_logits(model, values)).max()))
    weights = q15(float(model.combine.alpha()))
    stages = (
        Stage("net", ("frame",), ("features",), {"model": device.name}),
        Stage("split", ("features",), ("important",), {"channels": k}),
        Stage("net", ("important",), ("local",), {"model": local.name}),
        Stage("quantize", ("features",), ("symbols",), {"first": k, "table": symbols}),
        Stage("code", ("symbols",), ("payload",), {"coder": "lzw", "bits": settings.bits}),
        Stage("send", ("payload",)),
        Stage("receive", (), ("remote",)),
        Stage(
            "combine", ("local", "remote"), ("scores",),
            {"weights": weights, "shifts": [shift, 0], "zeros": [local_zero, 0]},
        ),
    )  # fmt: skip
    server = Server(
        model=remote.name, shape=(height, width, channels - k), values=tuple(centroids.tolist()), planar=True,
        logit_scale=local_scale / 2**shift, coder="lzw", bits=settings.bits,
    )  # fmt: skip
    deployment = Deployment(
        name, request.dataset, request.protocol, task.frame, task.classes, stages, server, record, out
    )
    deployment = dataclasses.replace(deployment, training={**record, "validation": validate(task, model, deployment)})
    deployment.save()
    return deployment


def validate(task: Task, model: AgileModel, deployment: Deployment) -> dict[str, Any]:
    """What the model does on the validation split: percentages, and the symbols' shares and entropy (bits).

    skewness and violations: of the attribution, on samples that the reference network classifies rightly.
    accuracy_integer: int8 device networks and integer combination, on the first INTEGER_IMAGES images.
    """
    frames, labels = task.validation()
    logs = model.evaluate(held_out(frames, labels), return_dict=True, verbose=0)
    right, symbols = integers(model, deployment, frames[:INTEGER_IMAGES], labels[:INTEGER_IMAGES])
    shares = np.bincount(symbols.ravel(), minlength=model.quantizer.levels) / symbols.size
    return {
        **{name: round(100 * float(logs[name]), 2) for name in PERCENT},
        "images": len(labels),
        "accuracy_integer": round(100 * float(right.mean()), 2),
        "images_integer": len(right),
        "alpha": round(float(model.combine.alpha()), 4),
        "symbol_shares": [round(float(p), 4) for p in shares],
        "symbol_entropy": round(float(-np.sum(shares * np.log2(np.maximum(shares, 1e-12)))), 3),
    }


def integers(
    model: AgileModel, deployment: Deployment, frames: np.ndarray, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(right (N,), symbols (N, H, W, C - k)) of the integer device program, with the Keras Remote NN as the server."""
    stages, server = {s.op: s.params for s in deployment.stages}, deployment.server
    assert server is not None
    features = export.run(deployment.folder / "extractor.tflite", as_int8(frames))
    k = features.shape[-1] - server.shape[-1]
    local = export.run(deployment.folder / "local.tflite", features[..., :k]).astype(np.int64)
    symbols = np.array(stages["quantize"]["table"])[features[..., k:].astype(int) + 128]
    logits = remote_logits(model, np.array(server.values, np.float32)[symbols])
    remote = np.clip(np.rint(logits / server.logit_scale), -32767, 32767).astype(np.int64)
    weights, shifts, zeros = (np.array(stages["combine"][name]) for name in ("weights", "shifts", "zeros"))
    scores = weights[0] * ((local - zeros[0]) << shifts[0]) + weights[1] * ((remote - zeros[1]) << shifts[1])
    return scores.argmax(axis=1) == labels, symbols


def remote_logits(model: AgileModel, values: np.ndarray, batch: int = 64) -> np.ndarray:
    """Remote NN's logits (N, classes) for dequantized features (N, H, W, C - k)."""
    parts = [model.remote(values[i : i + batch], training=False) for i in range(0, len(values), batch)]
    return np.concatenate([keras.ops.convert_to_numpy(part) for part in parts])


def as_int8(frames: np.ndarray) -> np.ndarray:
    """uint8 frames as the int8 input of scale 1/255 and zero -128."""
    return (frames ^ 0x80).view(np.int8)
