"""Untrained Keras networks whose batch norms do something."""

from __future__ import annotations

import numpy as np

from bench.training.backend import keras

RANGES = ((0.5, 1.5), (0, 0.5), (-0.5, 0.5), (0.5, 1.5))  # scale, shift, running mean and variance


def scrambled(model: keras.Model) -> keras.Model:
    rng = np.random.default_rng(7)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([rng.uniform(low, high, layer.gamma.shape) for low, high in RANGES])
    return model
