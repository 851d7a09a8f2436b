"""The judge: an evaluator and two probes, trained afresh on the features that a deployment's extractor gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bench import datasets
from bench.audit.subject import Subject
from bench.datasets import Dataset
from bench.provenance import deployment_hash
from bench.training.backend import keras
from bench.training.checkpoint import folder
from bench.training.fit import Schedule, fit
from bench.training.networks import resnet8
from bench.training.pipeline import Batches, unit

HEADS = ("evaluator", "local", "remote")  # reads all channels, those that stay, those that are sent
WIDTHS = {"evaluator": 32, "local": 16, "remote": 16}
HELD_OUT = 1000  # validation images that show its progress
SIDE = 16  # maps are brought to about so many pixels by the networks' first convolution
BATCH = 64


@dataclass(frozen=True)
class Budget:
    """images: shown per epoch, augmented, each epoch another draw from all training images."""

    epochs: int
    images: int
    rate: float = 0.05


BUDGETS = {"digits": Budget(12, 2000)}
USUAL = Budget(6, 20_000)  # about 3 minutes on two cores for 32x32 maps


class SomeBatches(Batches):
    """At most `images` images per epoch."""

    def __init__(self, data: Dataset, shape: tuple[int, int, int], images: int) -> None:
        super().__init__(data, shape, min(BATCH, len(data.y_train)), datasets.SEED)
        self.images = images

    def __len__(self) -> int:
        return max(1, min(self.images, len(self.data.y_train)) // self.batch)


class FeatureBatches(SomeBatches):
    """Training batches of features in [0, 1] (uint8 / 255) in place of frames."""

    def __init__(self, subject: Subject, data: Dataset, images: int) -> None:
        super().__init__(data, subject.shape, images)
        self.subject = subject
        self.frames = Batches(data, subject.deployment.frame, self.batch, self.seed)

    def epoch(self, number: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(float32 features (B, *shape), int64 labels (B,)); another draw and another augmentation per epoch."""
        for (frames, labels), _ in zip(self.frames.epoch(number), range(len(self)), strict=False):
            yield unit(self.subject.features(np.rint(frames * 255).astype(np.uint8))), labels


@dataclass(frozen=True)
class Judge:
    """Networks on real-valued features: HEADS -> Keras model (N, H, W, channels) -> logits (N, classes)."""

    subject: Subject
    networks: dict[str, Any]

    @property
    def evaluator(self) -> Any:
        return self.networks["evaluator"]

    def right(self, head: str, features: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """(N,) bool: which uint8 features (N, H, W, C) this network classifies rightly."""
        real = of_head(head, self.subject.real(features), self.subject.k)
        return self.networks[head].predict(real, batch_size=BATCH, verbose=0).argmax(axis=1) == labels


def of_head(head: str, features: Any, k: int) -> Any:
    """The channels that a network reads."""
    return {"evaluator": features, "local": features[..., :k], "remote": features[..., k:]}[head]


def train(subject: Subject, data: Dataset) -> Judge:
    """The judge of a deployment on a data set; resumes, and reads it back where it is done.

    The three networks share nothing but the batches: their losses are added, so each learns as it would alone.
    """
    keras.utils.set_random_seed(datasets.SEED)
    classes, k = subject.deployment.classes, subject.k
    budget = BUDGETS.get(data.name, USUAL)
    stride = max(1, subject.shape[0] // SIDE)
    depths = {"evaluator": subject.shape[2], "local": k, "remote": subject.shape[2] - k}
    networks = {head: resnet8((*subject.shape[:2], depths[head]), classes, WIDTHS[head], stride) for head in HEADS}
    inputs = keras.Input(subject.shape)
    real = keras.layers.Rescaling(255 * subject.scale, -subject.zero * subject.scale)(inputs)
    logits = [networks[head](of_head(head, real, k)) for head in HEADS]
    model = keras.Model(inputs, keras.layers.Reshape((len(HEADS), classes))(keras.layers.Concatenate()(logits)))

    batches = FeatureBatches(subject, data, budget.images)
    schedule = Schedule(budget.epochs, batches.batch, budget.rate)
    model.compile(schedule.optimizer(len(batches)), summed_loss, metrics=[accuracy])
    path = folder({
        "step": "judge", "dataset": data.name, "images": data.learned_from, "stride": stride, "widths": WIDTHS,
        "deployment": deployment_hash(subject.deployment), **asdict(budget),
    })  # fmt: skip
    validation = subject.of_images(data.x_val[:HELD_OUT]), data.y_val[:HELD_OUT]
    fit(model, batches, validation, schedule, path, monitor="val_loss")
    return Judge(subject, networks)


def summed_loss(labels: Any, logits: Any) -> Any:
    """(N,): cross-entropies of all heads, logits (N, heads, classes)."""
    target = keras.ops.repeat(keras.ops.reshape(labels, (-1, 1)), len(HEADS), axis=1)
    return keras.ops.sum(keras.losses.sparse_categorical_crossentropy(target, logits, from_logits=True), axis=1)


def accuracy(labels: Any, logits: Any) -> Any:
    """(N,): the evaluator's."""
    return keras.metrics.sparse_categorical_accuracy(labels, logits[:, 0])
