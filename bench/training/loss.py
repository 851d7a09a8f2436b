"""The loss that all classifiers share."""

from __future__ import annotations

from typing import Any

from bench.training.backend import keras

ops = keras.ops


def cross_entropy(labels: Any, logits: Any, smoothing: float = 0.0) -> Any:
    """(N,): cross-entropy of logits (N, classes) against integer labels (N,).

    smoothing: the part of the target that is spread evenly over all classes (Szegedy et al. 2016, Sec 7).
    """
    log = ops.log_softmax(logits)
    right = ops.take_along_axis(log, ops.expand_dims(ops.cast(labels, "int32"), 1), axis=1)[:, 0]
    return -(1 - smoothing) * right - smoothing * ops.mean(log, axis=1)


def smoothed(smoothing: float) -> Any:
    """`cross_entropy` with smoothing as a loss for `compile`."""

    def loss(labels: Any, logits: Any) -> Any:
        return cross_entropy(labels, logits, smoothing)

    return loss
