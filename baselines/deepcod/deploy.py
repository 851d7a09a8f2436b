"""A trained model -> int8 encoder, one server file (decoder and task network), and the integers between them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from baselines.deepcod.method import Settings
from baselines.deepcod.model import DeepCODModel
from bench import offload
from bench.method import Deployment, Server, Stage
from bench.training import export
from bench.training.backend import keras
from bench.training.fit import held_out
from bench.training.quantizer.cells import table
from bench.training.task import Task


def deploy(task: Task, settings: Settings, trained: tuple[DeepCODModel, dict[str, Any]], name: str) -> Deployment:
    """Writes encoder.tflite and server.tflite to request.out, then deployment.json with the device program."""
    model, record = trained
    request, out = task.request, task.request.out
    out.mkdir(parents=True, exist_ok=True)
    device, remote = out / "encoder.tflite", out / "server.tflite"
    frames = task.calibration(export.CALIBRATION)[0]
    export.frame_network(model.encoder, frames, device)
    scale, zero = export.quantization(device)[1]
    codes = export.run(device, export.as_int8(frames))
    shape = codes.shape[1:]
    served = keras.Sequential([keras.Input(shape), model.decoder, model.task])
    export.server(served, shape, remote)

    centres = keras.ops.convert_to_numpy(model.quantizer.centroids).astype(float)
    symbols = table(centres, scale, zero)
    sent = np.array(symbols, np.uint8)[codes.astype(int) + 128]
    largest = float(np.abs(served.predict(centres.astype(np.float32)[sent], verbose=0)).max())
    coder, bits = offload.CODERS[request.protocol], settings.bits
    tables = offload.tables_for(coder, sent, bits)
    stages = (
        Stage("net", ("frame",), ("codes",), {"model": device.name}),
        Stage("quantize", ("codes",), ("symbols",), {"first": 0, "table": symbols}),
        *offload.exchange("symbols", coder, bits, tables),
        offload.as_they_are("remote"),
    )
    server = Server(
        model=remote.name, shape=shape, values=tuple(centres.tolist()), planar=True,
        logit_scale=offload.logit_scale(largest), coder=coder, bits=bits, tables=tuple(tables),
    )  # fmt: skip
    deployment = Deployment(
        name, request.dataset, request.protocol, task.frame, task.classes, stages, server,
        {**record, **assess(task, model)}, out,
    )  # fmt: skip
    deployment.save()
    return deployment


def assess(task: Task, model: DeepCODModel) -> dict[str, dict[str, float]]:
    """What the float32 model does on the validation split and, once and at the end, on the test split.

    accuracy: per cent; symbol_entropy: bits per symbol without context; psnr: of the reconstructed frame, dB.
    """
    return {name: measure(model, *split) for name, split in (("validation", task.validation()), ("test", task.test()))}


def measure(model: DeepCODModel, frames: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    logs = model.evaluate(held_out(frames, labels), return_dict=True, verbose=0)
    error = float(logs["reconstruction_loss"]) / 4  # frames in [0, 1]
    return {
        "accuracy": round(100 * float(logs["accuracy"]), 2),
        "symbol_entropy": round(float(logs["symbol_entropy"]), 3),
        "psnr": round(-10 * math.log10(error), 2),
        "images": len(labels),
    }
