"""A trained model -> int8 files, server file, and the integers that join them: features, symbols, logits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from agilenn.combine import logit_shift, q15
from agilenn.config import Settings
from agilenn.model import AgileModel
from agilenn.quantizer import table
from agilenn.training import Trained
from bench import offload
from bench.method import Deployment, Server, Stage
from bench.training import export
from bench.training.backend import keras
from bench.training.fit import held_out
from bench.training.task import Task

PERCENT = ("accuracy", "local_accuracy", "remote_accuracy", "reference_accuracy", "skewness", "violations")


def deploy(task: Task, settings: Settings, trained: Trained, name: str) -> Deployment:
    """Writes extractor, Local NN and Remote NN to request.out, then deployment.json with the device program."""
    request, out, model = task.request, task.request.out, trained.model
    out.mkdir(parents=True, exist_ok=True)
    device, remote = out / "extractor.tflite", out / "server.tflite"
    frames = task.calibration(export.CALIBRATION)[0]
    export.frame_network(trained.extractor, frames, device)
    scale, zero = export.quantization(device)[1]
    features = export.run(device, export.as_int8(frames))
    height, width, channels = features.shape[1:]
    shape = (height, width, channels - model.sent)
    export.server(model.remote, shape, remote)

    centroids = keras.ops.convert_to_numpy(model.quantizer.centroids).astype(float)
    symbols = table(centroids, scale, zero)
    sent = np.array(symbols, np.uint8)[features[..., model.sent :].astype(int) + 128]
    largest = float(np.abs(remote_logits(model, centroids.astype(np.float32)[sent])).max())
    coder, bits = offload.CODERS[request.protocol], settings.bits
    tables = offload.tables_for(coder, sent, bits)
    ask = (
        Stage("quantize", ("features",), ("symbols",), {"first": model.sent, "table": symbols}),
        *offload.exchange("symbols", coder, bits, tables),
    )
    extract = Stage("net", ("frame",), ("features",), {"model": device.name})
    if settings.local:
        before, combine, logit_scale = predict_locally(trained, settings, features, out, largest)
        stages = (extract, *before, *ask, combine)
    else:
        logit_scale = offload.logit_scale(largest)
        stages = (extract, *ask, offload.as_they_are("remote"))
    server = Server(
        model=remote.name, shape=shape, values=tuple(centroids.tolist()), planar=True, logit_scale=logit_scale,
        coder=coder, bits=bits, tables=tuple(tables),
    )  # fmt: skip
    deployment = Deployment(
        name, request.dataset, request.protocol, task.frame, task.classes, stages, server,
        {**trained.record, **assess(task, model)}, out,
    )  # fmt: skip
    deployment.save()
    return deployment


def predict_locally(
    trained: Trained, settings: Settings, features: np.ndarray, out: Path, largest: float
) -> tuple[tuple[Stage, ...], Stage, float]:
    """(stages up to the Local NN's logits, stage that combines them with the remote ones, the server's logit scale).

    Writes local.tflite. features: int8 calibration maps; largest: magnitude of remote logits on them.
    """
    file, k = out / "local.tflite", settings.k
    scale, zero = export.quantization(out / "extractor.tflite")[1]
    important = np.float32(scale) * (features[..., :k].astype(np.float32) - zero)
    export.chained(trained.model.local, important, out / "extractor.tflite", file)
    local_scale, local_zero = export.quantization(file)[1]
    shift = logit_shift(local_scale, largest)
    params = {
        "weights": q15(float(trained.model.combine.alpha())), "shifts": [shift, 0], "zeros": [local_zero, 0],
    }  # fmt: skip
    stages = (
        Stage("split", ("features",), ("important",), {"channels": k}),
        Stage("net", ("important",), ("local",), {"model": file.name}),
    )
    return stages, Stage("combine", ("local", "remote"), ("scores",), params), local_scale / 2**shift


def assess(task: Task, model: AgileModel) -> dict[str, Any]:
    """What the float32 model does on the validation split and, once and at the end, on the test split.

    Percentages; skewness and violations are of the attribution, on samples that the reference network classifies
    rightly. symbol_entropy: bits per symbol without context. alpha: weight of the local logits.
    """
    splits = {"validation": task.validation(), "test": task.test()}
    alpha = float(model.combine.alpha()) if model.settings.local else 0.0
    return {"alpha": round(alpha, 4), **{k: measure(model, *v) for k, v in splits.items()}}


def measure(model: AgileModel, frames: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """PERCENT and the symbols' entropy on uint8 frames, and the number of images."""
    logs = model.evaluate(held_out(frames, labels), return_dict=True, verbose=0)
    percent = {name: round(100 * float(logs[name]), 2) for name in PERCENT}
    return {**percent, "symbol_entropy": round(float(logs["symbol_entropy"]), 3), "images": len(labels)}


def remote_logits(model: AgileModel, values: np.ndarray, batch: int = 64) -> np.ndarray:
    """Remote NN's logits (N, classes) for dequantized features (N, H, W, C) that travel."""
    parts = [model.remote(values[i : i + batch], training=False) for i in range(0, len(values), batch)]
    return np.concatenate([keras.ops.convert_to_numpy(part) for part in parts])
