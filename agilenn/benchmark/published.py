"""One training step as the published scripts take it, written from their description: what ours is measured against.

It uses the networks of an AgileModel (preset `scripts`) and nothing else of ours. Importance: the reference network's
gradients at the features and at zero, once per sample and step, differentiated through; disorder between single
elements; a soft quantizer that compares every value with every centroid.
"""

from __future__ import annotations

from typing import Any

from bench.training.backend import keras, tf

ops = keras.ops


def loss(model: Any, x: Any, y: Any) -> Any:
    """Scalar, for frames x (N, H, W, C) and labels y (N,); TensorFlow only."""
    settings, k = model.settings, model.settings.k
    features = model.extractor(x, training=True)
    at_features, at_zero = (gradient(model.reference, f, y) for f in (features, ops.zeros_like(features)))
    importance = ops.abs(0.5 * (at_features + at_zero) * features)
    total = ops.sum(importance, axis=(1, 2, 3))
    skewness = ops.sum(importance[..., :k], axis=(1, 2, 3)) / total
    gap = ops.max(importance[..., k:], axis=(1, 2, 3)) - ops.min(importance[..., :k], axis=(1, 2, 3))
    skew = ops.mean(ops.relu(settings.rho - skewness)) + ops.mean(ops.relu(gap / total))

    symbols = quantize(features[..., k:], 6.0 * ops.sigmoid(model.quantizer.places))
    share = ops.softmax(model.combine.w / settings.temperature)
    local, remote = model.local(features[..., :k], training=True), model.remote(symbols, training=True)
    prediction = keras.losses.sparse_categorical_crossentropy(y, share[0] * local + share[1] * remote, True)
    return settings.lam * ops.mean(prediction) + (1 - settings.lam) * skew


def gradient(network: Any, features: Any, y: Any) -> Any:
    """d cross-entropy / d features, their shape."""
    with tf.GradientTape() as tape:
        tape.watch(features)
        loss = keras.losses.sparse_categorical_crossentropy(y, network(features, training=False), True)
    return tape.gradient(loss, features)


def quantize(x: Any, centroids: Any) -> Any:
    """Nearest centroids forward; backward, the softmax of the negative squared distances to all (levels,) centroids."""
    distance = ops.square(x[..., None] - centroids)
    soft = ops.sum(ops.softmax(-distance) * centroids, axis=-1)
    hard = ops.take(centroids, ops.argmin(distance, axis=-1))
    return soft + ops.stop_gradient(hard - soft)
