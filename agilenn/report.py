"""What a trained model does on the validation split, float and as integers: the numbers kept in deployment.json."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.method import Deployment
from bench.training.task import Task

INTEGER_IMAGES = 500  # validation images that also go through the integer program


def validated(task: Task, model: Any, deployment: Deployment) -> dict[str, Any]:
    """Accuracies and skewness in percent, violations in percent, shares of the symbols, and their entropy in bits.

    skewness and violations: from the attribution on samples that the reference network classifies rightly.
    accuracy_integer: the int8 device networks and integer combination on the first INTEGER_IMAGES images.
    """
    from bench.training import fit

    frames, labels = task.validation()
    logs = model.evaluate(fit.stream_validation(frames, labels, 128), return_dict=True, verbose=0)
    percent = ("accuracy", "local_accuracy", "remote_accuracy", "reference_accuracy", "skewness", "violations")
    found: dict[str, Any] = {name: round(100 * float(logs[name]), 2) for name in percent}
    right, symbols = integers(model, deployment, frames[:INTEGER_IMAGES], labels[:INTEGER_IMAGES])
    assert deployment.server is not None
    shares = np.bincount(symbols.ravel(), minlength=len(deployment.server.values)) / symbols.size
    entropy = -sum(p * np.log2(p) for p in shares if p > 0)
    return {
        **found,
        "images": len(labels),
        "accuracy_integer": round(100 * float(right.mean()), 2),
        "images_integer": len(right),
        "alpha": round(float(model.combine.alpha()), 4),
        "symbol_shares": [round(float(p), 4) for p in shares],
        "symbol_entropy_bits": round(float(entropy), 3),
    }


def integers(model: Any, deployment: Deployment, frames: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(right (N,), symbols (N, H, W, C - k)) of the integer device program with the Keras Remote NN as the server."""
    from bench.training import export

    folder, stages = deployment.folder, {s.op: s for s in deployment.stages}
    server, combine = deployment.server, stages["combine"].params
    assert server is not None
    features = export.run(folder / "extractor.tflite", (frames ^ 0x80).view(np.int8))
    k = int(stages["quantize"].params["first"])  # type: ignore[arg-type]
    local = export.run(folder / "local.tflite", features[..., :k]).astype(np.int64)
    symbols = np.array(stages["quantize"].params["table"], np.uint8)[features[..., k:].astype(int) + 128]
    values = np.array(server.values, np.float32)[symbols]
    logits = np.concatenate([np.asarray(model.remote(v, training=False)) for v in np.array_split(values, 8)])
    remote = np.clip(np.rint(logits / server.logit_scale), -32767, 32767).astype(np.int64)
    weights, shifts, zeros = (np.array(combine[name]) for name in ("weights", "shifts", "zeros"))
    scores = weights[0] * ((local - zeros[0]) << shifts[0]) + weights[1] * ((remote - zeros[1]) << shifts[1])
    return scores.argmax(axis=1) == labels, symbols
