"""Joint training of extractor, Local NN, Remote NN, quantizer and alpha (Sec 4) as one Keras model for `model.fit`."""

from __future__ import annotations

from functools import partial
from typing import Any

from agilenn import losses, networks, quantizer
from agilenn.attribution import Attribution, explain_and_classify, start_gradients
from agilenn.combine import Combine
from agilenn.config import Settings
from agilenn.folding import folded
from bench.training.backend import keras
from bench.training.loss import cross_entropy

ops = keras.ops
TRACKED = (
    "accuracy", "local_accuracy", "remote_accuracy", "reference_accuracy", "skewness", "violations", "symbol_entropy",
    "prediction_loss", "local_loss", "reference_loss", "skewness_loss", "order_loss",
)  # fmt: skip


class AgileModel(keras.Model):
    """Frames (N, H, W, C) in [0, 1] -> dict of logits (combined), local, remote (N, classes) and features.

    Loss = lam (CE(combined) + local_weight CE(local)) + (1 - lam) (skewness_weight skewness + order_weight order),
    and reference_weight CE(reference) where the reference network is trained along. Importance comes from the
    reference network with its weights held still: only its own cross-entropy moves them.
    """

    def __init__(self, extractor: Any, reference: Any, classes: int, settings: Settings) -> None:
        super().__init__(name="agilenn")
        height, width, channels = extractor.output.shape[1:]
        self.settings = settings
        self.attribution = Attribution(
            settings.rule, settings.points, settings.baseline, settings.aggregation, settings.second_order
        )
        self.sent = 0 if settings.send_all else settings.k  # the first channel that travels
        self.extractor, self.reference = extractor, reference
        if not settings.reference_trained:
            self.reference.trainable = False
        self.local = networks.local((height, width, settings.k), classes, settings.local_norm)
        self.remote = networks.remote((height, width, channels - self.sent), classes, settings)
        self.quantizer = quantizer.build(settings.quantizer, settings.bits)
        self.combine = Combine(settings.combination, settings.temperature)
        self.means = {name: keras.metrics.Mean(name) for name in TRACKED}
        self.explain = partial(explain_and_classify, reference)
        self(ops.zeros((1, *extractor.input.shape[1:])))

    def call(self, x: Any, training: bool = False) -> dict[str, Any]:
        features = self.extractor(x, training=training)
        near, far = ops.split(features, [self.settings.k], axis=-1)  # cheaper to differentiate than slices
        local = self.local(near, training=training)
        symbols = self.quantizer(far if self.sent else features, training=training)
        remote = self.remote(symbols, training=training)
        logits = self.combine(local, remote) if self.settings.local else remote
        return {"logits": logits, "local": local, "remote": remote, "features": features, "symbols": symbols}

    def fit(self, *arguments: Any, **options: Any) -> Any:
        """As in Keras. What stays the same during the whole training is computed before it."""
        self.prepare()
        return super().fit(*arguments, **options)

    def prepare(self) -> None:
        """A cheaper form of a reference network that is not trained along, and its gradients at the zero baseline."""
        if self.settings.reference_trained:
            return
        network, cached = folded(self.reference), None
        if self.attribution.starts_at_zero():
            cached = start_gradients(network, ops.zeros(network.input.shape[1:]), network.output.shape[-1])
        self.explain = partial(explain_and_classify, network, cached=cached)

    def compute_loss(
        self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Any:
        settings = self.settings
        smoothing = settings.label_smoothing if training else 0.0
        values = {
            "prediction_loss": cross_entropy(y, y_pred["logits"], smoothing),
            "local_loss": cross_entropy(y, y_pred["local"], smoothing),
            "accuracy": right(y, y_pred["logits"]),
            "local_accuracy": right(y, y_pred["local"]),
            "remote_accuracy": right(y, y_pred["remote"]),
            "symbol_entropy": quantizer.entropy(quantizer.shares(y_pred["symbols"], self.quantizer.centroids)),
        }
        reference, importance, counted = self.explained(y_pred["features"], y, training)
        values |= reference
        for name, value in values.items():
            self.means[name].update_state(value)
        for name, value in importance.items():
            self.means[name].update_state(value, sample_weight=counted)
        values = {name: ops.mean(value) for name, value in values.items()}
        values |= {name: losses.mean_where(value, counted) for name, value in importance.items()}
        prediction = values["prediction_loss"] + settings.local_weight * values["local_loss"]
        skew = settings.skewness_weight * values["skewness_loss"] + settings.order_weight * values["order_loss"]
        own = settings.reference_weight * values["reference_loss"] if settings.reference_trained else 0.0
        return settings.lam * prediction + (1 - settings.lam) * skew + own

    def explained(self, features: Any, labels: Any, training: bool) -> tuple[dict[str, Any], dict[str, Any], Any]:
        """(the reference network's loss and hits, losses and measures of importance, which samples these count), (M,).

        In training it sees every 1/attributed-th sample. With `gate`, importance counts for the samples that it
        classifies rightly (Sec 3.1); in validation it always does.
        """
        settings = self.settings
        every = max(1, round(1 / settings.attributed)) if training else 1
        features, labels = features[::every], labels[::every]
        judged = self.reference(features, training=True) if training and settings.reference_trained else None
        importance, logits = self.explain(features, labels, self.attribution)
        logits = logits if judged is None else judged
        correct = right(labels, logits)
        disorder = losses.disorder_loss(importance, settings.k, settings.margin)
        order = losses.descending_loss(importance) if settings.order == "descending" else disorder
        measured = losses.per_channel(importance)
        values = {
            "skewness_loss": losses.skewness_loss(importance, settings.k, settings.rho),
            "order_loss": order if settings.order != "none" else ops.zeros_like(order),
            "skewness": losses.skewness(measured, settings.k),
            "violations": ops.cast(losses.disorder_loss(measured, settings.k) > 0, "float32"),
        }
        counted = correct if settings.gate or not training else ops.ones_like(correct)
        return {"reference_loss": cross_entropy(labels, logits), "reference_accuracy": correct}, values, counted


def right(labels: Any, logits: Any) -> Any:
    """(N,) bool: the highest logit is the label's."""
    return ops.equal(ops.argmax(logits, axis=-1), ops.cast(labels, "int32"))
