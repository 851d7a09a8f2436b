"""Joint training of extractor, Local NN, Remote NN, quantizer and alpha (Sec 4) as one Keras model for `model.fit`."""

from __future__ import annotations

from typing import Any

from agilenn import losses, networks
from agilenn.attribution import explain
from agilenn.combine import combiner
from agilenn.config import Settings
from agilenn.quantizer import quantizer

TRACKED = (
    "accuracy", "local_accuracy", "remote_accuracy", "reference_accuracy", "skewness", "violations",
    "prediction_loss", "local_loss", "reference_loss", "skewness_loss", "disorder_loss",
)  # fmt: skip


def agile_model(extractor: Any, reference: Any, classes: int, settings: Settings) -> Any:
    """The Keras model: frames (N, H, W, C) -> dict of logits (combined), local, remote, features. Built, not compiled.

    Loss = lam (CE(combined) + local_weight CE(local)) + (1 - lam) (skewness + disorder) + reference_weight CE(reference).
    Importance comes from the reference network with its weights held still, on samples that it classifies rightly (Sec
    3.1); its own cross-entropy alone moves its weights, so that it stays valid on the features while they change.
    """
    import keras
    from keras import ops

    shape, k = extractor.output.shape[1:], settings.k

    def cross_entropy(labels: Any, logits: Any) -> Any:
        return ops.mean(keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True))

    def right(labels: Any, logits: Any) -> Any:
        return ops.equal(ops.argmax(logits, axis=-1), ops.cast(labels, "int32"))

    class AgileModel(keras.Model):
        def __init__(self) -> None:
            super().__init__(name="agilenn")
            self.extractor, self.reference = extractor, reference
            self.local = networks.local((*shape[:2], k), classes)
            self.remote = networks.remote((*shape[:2], shape[2] - k), classes, settings)
            self.quantizer = quantizer(settings.bits)
            self.combine = combiner(settings.temperature)
            self.means = {name: keras.metrics.Mean(name) for name in TRACKED}

        def call(self, x: Any, training: bool = False) -> dict[str, Any]:
            features = self.extractor(x, training=training)
            local = self.local(features[..., :k], training=training)
            remote = self.remote(self.quantizer(features[..., k:], training=training), training=training)
            return {"logits": self.combine(local, remote), "local": local, "remote": remote, "features": features}

        def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None,
                         training: bool = True) -> Any:  # fmt: skip
            features = y_pred["features"]
            judged = self.reference(features, training=training)
            # every 1/attributed-th sample in training, all of them in validation
            every = max(1, round(1 / settings.attributed)) if training else 1
            some, labels, correct = features[::every], y[::every], right(y, judged)[::every]
            importance = explain(self.reference, some, labels, settings.points, settings.second_order and training)
            disorder = losses.disorder_loss(importance, k)
            values = {
                "prediction_loss": cross_entropy(y, y_pred["logits"]),
                "local_loss": cross_entropy(y, y_pred["local"]),
                "reference_loss": cross_entropy(y, judged),
                "skewness_loss": losses.mean_where(losses.skewness_loss(importance, k, settings.rho), correct),
                "disorder_loss": losses.mean_where(disorder, correct),
                "skewness": losses.mean_where(losses.skewness(importance, k), correct),
                "violations": losses.mean_where(ops.cast(disorder > 0, "float32"), correct),
                "accuracy": right(y, y_pred["logits"]),
                "local_accuracy": right(y, y_pred["local"]),
                "remote_accuracy": right(y, y_pred["remote"]),
                "reference_accuracy": right(y, judged),
            }
            for name, value in values.items():
                self.means[name].update_state(value)
            prediction = values["prediction_loss"] + settings.local_weight * values["local_loss"]
            skew = values["skewness_loss"] + values["disorder_loss"]
            reference_loss = settings.reference_weight * values["reference_loss"]
            return settings.lam * prediction + (1 - settings.lam) * skew + reference_loss

        def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Any]:
            return dict(self.get_metrics_result())

    model = AgileModel()
    model(ops.zeros((1, *extractor.input.shape[1:])))
    return model
