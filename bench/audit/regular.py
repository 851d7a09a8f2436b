"""A regular network, trained without any thought of importance: by masking, what attribution says of it is checked."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from bench import datasets
from bench.audit.judge import BUDGETS, HELD_OUT, SIDE, USUAL, SomeBatches
from bench.datasets import Dataset
from bench.training.backend import keras
from bench.training.checkpoint import folder
from bench.training.fit import Schedule, fit, predict
from bench.training.networks import conv, resnet8

CHANNELS, WIDTH = 24, 32


def train(data: Dataset) -> tuple[Any, Any]:
    """(stem: frames in [0, 1] -> features (N, H, W, 24) in [0, 6], the rest: features -> logits), of 3x3 convolutions.

    The frame is the paper's (3 x native), the stem's stride takes it back to the native size. Resumes.
    """
    keras.utils.set_random_seed(datasets.SEED)
    frame = datasets.frame_shape(data.shape, "paper")
    inputs = keras.Input(frame)
    stem = keras.Model(inputs, conv(inputs, CHANNELS, 3, frame[0] // data.shape[0]))
    shape = stem.output.shape[1:]
    rest = resnet8(shape, len(data.classes), WIDTH, max(1, shape[0] // SIDE))
    model = keras.Model(inputs, rest(stem.output))
    budget = BUDGETS.get(data.name, USUAL)
    batches = SomeBatches(data, frame, budget.images)
    schedule = Schedule(budget.epochs, batches.batch, budget.rate)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(schedule.optimizer(len(batches)), loss, metrics=["accuracy"])
    key = {"step": "regular", "dataset": data.name, "images": data.learned_from, "frame": frame, "width": WIDTH}
    validation = datasets.frames(data.x_val[:HELD_OUT], frame), data.y_val[:HELD_OUT]
    fit(model, batches, validation, schedule, folder(key | asdict(budget)), monitor="val_loss")
    return stem, rest


def features(stem: Any, images: np.ndarray) -> np.ndarray:
    """float32 (N, H, W, 24) of uint8 images of native size."""
    return predict(stem, datasets.frames(images, stem.input.shape[1:]))
