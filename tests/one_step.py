"""One step of plain gradient descent through `model.fit`, on whatever backend Keras runs: python one_step.py IN OUT.

IN and OUT are .npz: weights before and after, frames and labels, the metrics of the step; names begin with the case.
"""

from __future__ import annotations

import dataclasses
import sys

import numpy as np

from agilenn import networks
from agilenn.config import Settings
from agilenn.model import AgileModel
from bench.training.backend import keras
from bench.training.networks import conv

CLASSES = 10
TINY = Settings(channels=8, k=2, remote="mobilenetv2", remote_width=0.5, remote_stages=1, remote_head=16)
CASES = {
    "scripts": dataclasses.replace(
        TINY, rule="ends", aggregation="element", gate=False, combination="softmax", quantizer="published"
    ),
    "audited": dataclasses.replace(
        TINY, second_order=False, reference_trained=True, local_weight=0.3, margin=0.01, attributed=0.5
    ),
}


def build(settings: Settings) -> AgileModel:
    extractor = networks.extractor((8, 8, 1), settings.channels, 1, settings.extractor)
    inputs = keras.Input(extractor.output.shape[1:])
    x = keras.layers.GlobalAveragePooling2D()(conv(conv(inputs, 8, 3, 2), 8, 3))
    reference = keras.Model(inputs, keras.layers.Dense(CLASSES)(x))
    model = AgileModel(extractor, reference, CLASSES, settings)
    model.compile(keras.optimizers.SGD(1.0))
    return model


def weights(model: AgileModel, case: str) -> dict[str, np.ndarray]:
    return {f"{case} {i}": value for i, value in enumerate(model.get_weights())}


def step(model: AgileModel, x: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """Metrics of one step; every trained weight loses exactly its gradient."""
    history = model.fit(x, y, batch_size=len(x), epochs=1, shuffle=False, verbose=0).history
    return {name: values[0] for name, values in history.items()}


if __name__ == "__main__":
    given, found = dict(np.load(sys.argv[1])), {"backend": np.array(keras.backend.backend())}
    for case, settings in CASES.items():
        model = build(settings)
        model.set_weights([given[name] for name in weights(model, case)])
        metrics = step(model, given["x"], given["y"])
        found |= {f"{case} {name}": np.array(value) for name, value in metrics.items()} | weights(model, case)
    np.savez(sys.argv[2], **found)
