"""A frozen network's batch norms, folded into the convolutions before them: the same function in fewer steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.training.backend import keras

layers = keras.layers
FOLDING = (layers.Conv2D, layers.DepthwiseConv2D)


def folded(network: Any) -> Any:
    """A copy of a functional network (and of those inside it) that computes what it computes in inference.

    A batch norm folds where it alone follows a convolution without activation; others stay.
    """
    norms = {layer.input._keras_history.operation.name: layer for layer in network.layers if folds(layer)}
    gone = {norm.name for norm in norms.values()}

    def copied(layer: Any) -> Any:
        if isinstance(layer, keras.Model):
            return folded(layer)
        if layer.name in gone:
            return Nothing(name=layer.name)
        config = layer.get_config()
        return type(layer).from_config(config | {"use_bias": True} if layer.name in norms else config)

    copy = keras.models.clone_model(network, clone_function=copied)
    for old, new in zip(network.layers, copy.layers, strict=True):
        if old.name in norms:
            new.set_weights(merged(old, norms[old.name]))
        elif old.name not in gone and not isinstance(old, keras.Model):
            new.set_weights(old.get_weights())
    return copy


def folds(layer: Any) -> bool:
    """Whether it is a batch norm on channels, alone behind a convolution without activation."""
    if not isinstance(layer, layers.BatchNormalization):
        return False
    before = layer.input._keras_history.operation
    alone = isinstance(before, FOLDING) and len(before._outbound_nodes) == 1
    return alone and before.activation is keras.activations.linear


def merged(convolution: Any, norm: Any) -> list[np.ndarray]:
    """[kernel, bias] of the convolution and the norm behind it."""
    beta, mean, variance = (keras.ops.convert_to_numpy(v) for v in (norm.beta, norm.moving_mean, norm.moving_variance))
    scale = keras.ops.convert_to_numpy(norm.gamma) / np.sqrt(variance + norm.epsilon)
    kernel, *bias = convolution.get_weights()
    depthwise = isinstance(convolution, layers.DepthwiseConv2D)
    return [kernel * (scale[:, None] if depthwise else scale), (sum(bias) - mean) * scale + beta]


class Nothing(keras.layers.Layer):
    """In place of a norm that is gone, called with the same arguments."""

    def call(self, x: Any, training: bool | None = None, mask: Any = None) -> Any:
        return x
