"""The fused batch normalization against Keras' own: values, gradients, variables."""

from __future__ import annotations

import numpy as np

from bench.training.backend import keras, tf
from bench.training.normalization import BatchNormalization

SHAPE = (6, 5, 4, 3)


def step(kind, x: np.ndarray) -> dict[str, np.ndarray]:
    """Output, gradients and variables of a layer after one training step."""
    layer = kind(momentum=0.9, epsilon=1e-3)
    layer.build(SHAPE)
    layer.gamma.assign([1.0, 0.5, -2.0])
    layer.beta.assign([0.0, 3.0, 1.0])
    given, weights = tf.constant(x), tf.constant(np.cos(x))
    with tf.GradientTape() as tape:
        tape.watch(given)
        out = layer(given, training=True)
        loss = tf.reduce_sum(weights * out**2)
    gradients = tape.gradient(loss, [given, *layer.trainable_variables])
    found = {"out": out, **{f"gradient {i}": value for i, value in enumerate(gradients)}}
    found |= {f"variable {i}": variable.value for i, variable in enumerate(layer.variables)}
    return {name: value.numpy() for name, value in found.items()} | {"tested": layer(given, training=False).numpy()}


def test_fused_normalization_is_keras_own():
    x = np.random.default_rng(1).normal(2.0, 3.0, SHAPE).astype(np.float32)
    ours, theirs = step(BatchNormalization, x), step(keras.layers.BatchNormalization, x)
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        np.testing.assert_allclose(value, theirs[name], rtol=1e-4, atol=1e-5 * np.abs(value).max(), err_msg=name)


def test_frozen_layer_keeps_its_statistics():
    layer = BatchNormalization()
    layer.build(SHAPE)
    layer.trainable = False
    x = np.full(SHAPE, 7.0, np.float32)
    np.testing.assert_allclose(layer(x, training=True), x, rtol=1e-3)
    assert not layer.moving_mean.numpy().any()
