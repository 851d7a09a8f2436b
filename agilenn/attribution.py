"""Importance of features (Sec 3.1): integrated gradients (Sundararajan et al. 2017) of the reference network's loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.errors import BenchError, UnknownName
from bench.training.backend import keras, tf

ops = keras.ops
RULES = ("midpoint", "interior", "ends", "saliency")
CHOICES = {"rule": RULES, "baseline": ("zero", "mean"), "aggregation": ("channel", "element")}


@dataclass(frozen=True)
class Attribution:
    """How importance is measured. Raises BenchError for a choice that does not exist.

    rule: where on the straight path from the baseline (0) to the features (1) gradients are taken: "midpoint": in the
    middle of `points` equal parts; "interior": at i / (points + 1); "ends": the trapezoid rule with both ends (with 2
    points: the published scripts). "saliency": |gradient| at the features, not multiplied by them (Fig 24); it has no
    points and no baseline.
    baseline: "zero" or "mean", the mean feature map.
    aggregation: importance per "channel" (the paper) or per "element" (the published scripts).
    second_order: differentiate through the gradients in training. If not, they count as constants: the same values,
    about half the cost, nearly the same direction. Saliency is a gradient itself and always differentiated.
    """

    rule: str = "midpoint"
    points: int = 2
    baseline: str = "zero"
    aggregation: str = "channel"
    second_order: bool = False

    def __post_init__(self) -> None:
        for name, known in CHOICES.items():
            if getattr(self, name) not in known:
                raise UnknownName(f"{name} of attributions", getattr(self, name), known)
        least = 2 if self.rule == "ends" else 1
        if self.points < least:
            raise BenchError(f"points of the rule {self.rule}", expected=f"at least {least}", got=self.points)

    def starts_at_zero(self) -> bool:
        """Whether the path's first gradient is taken at a map that no sample changes."""
        return self.rule == "ends" and self.baseline == "zero"

    def path(self) -> tuple[np.ndarray, np.ndarray]:
        """Positions in [0, 1], ascending, and weights that sum to 1: two (points,)."""
        n = self.points
        if self.rule == "ends":
            weights = np.ones(n)
            weights[[0, -1]] = 0.5
            return np.linspace(0, 1, n), weights / (n - 1)
        if self.rule == "saliency":
            return np.ones(1), np.ones(1)
        positions = (np.arange(n) + 0.5) / n if self.rule == "midpoint" else np.arange(1, n + 1) / (n + 1)
        return positions, np.full(n, 1 / n)


def input_gradient(loss: Callable[[Any], tuple[Any, Any]], x: Any) -> tuple[Any, Any]:
    """(d value / d x, the rest) for loss(x) = (scalar value, the rest); itself differentiable.

    The one function that depends on the Keras backend.
    """
    backend = keras.backend.backend()
    if backend == "jax":
        import jax

        return jax.grad(loss, has_aux=True)(x)
    if backend != "tensorflow":
        raise BenchError("no gradients on this Keras backend", expected="tensorflow or jax", got=backend)
    with tf.GradientTape() as tape:
        tape.watch(x)
        value, rest = loss(x)
    return tape.gradient(value, x), rest


def frozen(network: Any) -> Callable[[Any], Any]:
    """The network in inference mode with weights that no gradient reaches."""

    def call(x: Any) -> Any:
        weights = [ops.stop_gradient(v.value) for v in network.trainable_variables]
        others = [v.value for v in network.non_trainable_variables]
        return network.stateless_call(weights, others, x, training=False)[0]

    return call


def loss_gradient(network: Any, x: Any, labels: Any) -> tuple[Any, Any]:
    """(d cross-entropy / d x (N, H, W, C) of every sample's features x and label (N,), logits (N, classes))."""
    model = frozen(network)

    def loss(x: Any) -> tuple[Any, Any]:
        logits = model(x)
        return ops.sum(keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)), logits

    return input_gradient(loss, x)


def start_gradients(network: Any, start: Any, classes: int) -> Any:
    """(classes, H, W, C): gradients at one map `start` (H, W, C) for every label.

    All samples of a batch start from the same map, so the gradient there depends on the label alone. For a network that
    stays as it is and the zero baseline, this is computed once and given as `cached`.
    """
    return loss_gradient(network, ops.repeat(start[None], classes, axis=0), ops.arange(classes))[0]


def attributions(
    network: Any, features: Any, labels: Any, how: Attribution, mean: Any = None, cached: Any = None
) -> tuple[Any, Any]:
    """Signed shares (N, H, W, C) of the features in the change of the loss along the path (saliency: the gradient), and
    the network's logits for the features (N, classes): a by-product where the path ends there.

    mean: the baseline "mean" (H, W, C), a constant; None: the mean of this batch. cached: `start_gradients`, which only
    the rule "ends" reads; None: computed here, on as many samples as there are labels or on the batch if that is less.
    Needs memory for `points` copies of the batch.
    """
    start = ops.zeros_like(features[0])
    if how.baseline == "mean":
        start = ops.stop_gradient(ops.mean(features, axis=0) if mean is None else mean)
    positions, weights = how.path()
    total = 0.0
    if positions[0] == 0:
        total = weights[0] * first_gradient(network, start, labels, features.shape[0], cached)
        positions, weights = positions[1:], weights[1:]
    change, count = features - start, len(positions)
    stacked = [features if p == 1 else start + p * change for p in positions]
    gradients, logits = loss_gradient(network, ops.concatenate(stacked), ops.tile(labels, [count]))
    for weight, part in zip(weights, ops.split(gradients, count), strict=True):
        total = total + weight * part
    logits = ops.split(logits, count)[-1] if positions[-1] == 1 else frozen(network)(features)
    if how.rule == "saliency":
        return total, logits
    return change * (total if how.second_order else ops.stop_gradient(total)), logits


def first_gradient(network: Any, start: Any, labels: Any, samples: int | None, cached: Any) -> Any:
    """(N, H, W, C): every sample's gradient at the start of the path, with the least work."""
    classes = network.output.shape[-1]
    if cached is None and samples is not None and samples <= classes:
        return loss_gradient(network, ops.repeat(start[None], samples, axis=0), labels)[0]
    return ops.take(start_gradients(network, start, classes) if cached is None else cached, labels, axis=0)


def importance(attributions: Any, aggregation: str) -> Any:
    """Magnitudes (N, H, W, C), per "channel" summed over the map to (N, C); each sample's sum to 1."""
    size = ops.abs(attributions)
    if aggregation == "channel":
        size = ops.sum(size, axis=(1, 2))
    return size / (ops.sum(size, axis=tuple(range(1, len(size.shape))), keepdims=True) + 1e-12)


def explain(network: Any, features: Any, labels: Any, how: Attribution, mean: Any = None) -> Any:
    """Normalized importance, (N, C) or (N, H, W, C), of the features for the reference network's loss on the labels."""
    return explain_and_classify(network, features, labels, how, mean)[0]


def explain_and_classify(
    network: Any, features: Any, labels: Any, how: Attribution, mean: Any = None, cached: Any = None
) -> tuple[Any, Any]:
    """(importance as `explain` gives it, the reference network's logits for the features)."""
    found, logits = attributions(network, features, labels, how, mean, cached)
    return importance(found, how.aggregation), logits
