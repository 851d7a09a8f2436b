"""Joint training of extractor, Local NN, Remote NN, quantizer and alpha (Sec 4) as one Keras model for `model.fit`."""

from __future__ import annotations

from typing import Any

from agilenn import losses, networks
from agilenn.attribution import explain
from agilenn.combine import Combine
from agilenn.config import Settings
from agilenn.quantizer import Quantizer
from bench.training.backend import keras

ops = keras.ops
TRACKED = (
    "accuracy", "local_accuracy", "remote_accuracy", "reference_accuracy", "skewness", "violations",
    "prediction_loss", "local_loss", "reference_loss", "skewness_loss", "disorder_loss",
)  # fmt: skip


class AgileModel(keras.Model):
    """Frames (N, H, W, C) in [0, 1] -> dict of logits (combined), local, remote (N, classes) and features.

    Loss = lam (CE(combined) + local_weight CE(local)) + (1 - lam) (skewness + disorder)
    + reference_weight CE(reference). Importance comes from the reference network with its weights held still, on
    samples that it classifies rightly (Sec 3.1); its own cross-entropy alone moves its weights, so that it stays valid
    on the features while they change.
    """

    def __init__(self, extractor: Any, reference: Any, classes: int, settings: Settings) -> None:
        super().__init__(name="agilenn")
        height, width, channels = extractor.output.shape[1:]
        self.settings = settings
        self.extractor, self.reference = extractor, reference
        self.local = networks.local((height, width, settings.k), classes)
        self.remote = networks.remote((height, width, channels - settings.k), classes, settings)
        self.quantizer = Quantizer(settings.bits)
        self.combine = Combine(settings.temperature)
        self.means = {name: keras.metrics.Mean(name) for name in TRACKED}
        self(ops.zeros((1, *extractor.input.shape[1:])))

    def call(self, x: Any, training: bool = False) -> dict[str, Any]:
        features, k = self.extractor(x, training=training), self.settings.k
        local = self.local(features[..., :k], training=training)
        remote = self.remote(self.quantizer(features[..., k:], training=training), training=training)
        return {"logits": self.combine(local, remote), "local": local, "remote": remote, "features": features}

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        settings = self.settings
        judged = self.reference(y_pred["features"], training=training)
        values = {
            "prediction_loss": cross_entropy(y, y_pred["logits"]),
            "local_loss": cross_entropy(y, y_pred["local"]),
            "reference_loss": cross_entropy(y, judged),
            "accuracy": right(y, y_pred["logits"]),
            "local_accuracy": right(y, y_pred["local"]),
            "remote_accuracy": right(y, y_pred["remote"]),
            "reference_accuracy": right(y, judged),
            **self.explained(y_pred["features"], y, right(y, judged), training),
        }
        for name, value in values.items():
            self.means[name].update_state(value)
        prediction = values["prediction_loss"] + settings.local_weight * values["local_loss"]
        skew = values["skewness_loss"] + values["disorder_loss"]
        return (
            settings.lam * prediction + (1 - settings.lam) * skew + settings.reference_weight * values["reference_loss"]
        )

    def explained(self, features: Any, labels: Any, correct: Any, training: bool) -> dict[str, Any]:
        """Losses and measures of importance, means over the samples that the reference network classifies rightly.

        In training only every 1/attributed-th sample is explained.
        """
        settings = self.settings
        every = max(1, round(1 / settings.attributed)) if training else 1
        features, labels, correct = features[::every], labels[::every], correct[::every]
        second = settings.second_order and training
        importance = explain(self.reference, features, labels, settings.points, second)
        disorder = losses.disorder_loss(importance, settings.k)
        values = {
            "skewness_loss": losses.skewness_loss(importance, settings.k, settings.rho),
            "disorder_loss": disorder,
            "skewness": losses.skewness(importance, settings.k),
            "violations": ops.cast(disorder > 0, "float32"),
        }
        return {name: losses.mean_where(value, correct) for name, value in values.items()}

    def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
        return dict(self.get_metrics_result())


def cross_entropy(labels: Any, logits: Any) -> Any:
    """Mean over the batch, scalar."""
    return ops.mean(keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True))


def right(labels: Any, logits: Any) -> Any:
    """(N,) bool: the highest logit is the label's."""
    return ops.equal(ops.argmax(logits, axis=-1), ops.cast(labels, "int32"))
