"""A network that learns the digits in a few seconds."""

from __future__ import annotations

from bench.training import fit
from bench.training.backend import keras

SHAPE = (8, 8, 1)
SCHEDULE = fit.Schedule(4, rate=0.1)


def network(seed: int, schedule: fit.Schedule = SCHEDULE) -> keras.Model:
    keras.utils.set_random_seed(seed)
    layers = [keras.Input(SHAPE), keras.layers.Conv2D(4, 3, 2, use_bias=False), keras.layers.BatchNormalization()]
    model = keras.Sequential([*layers, keras.layers.ReLU(6.0), keras.layers.Flatten(), keras.layers.Dense(10)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(schedule.optimizer(9), loss, metrics=["accuracy"])
    return model
