"""Batch norms of a frozen network folded into its convolutions: the same outputs, fewer steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scrambling import scrambled

from agilenn.folding import folded
from bench.training.backend import keras
from bench.training.networks import mobilenet, resnet8

layers = keras.layers


def norms(network: Any) -> int:
    inner = [layer for layer in network.layers if isinstance(layer, keras.Model)]
    own = sum(isinstance(layer, layers.BatchNormalization) for layer in network.layers)
    return own + sum(map(norms, inner))


def difference(network: Any, copy: Any) -> float:
    x = np.random.default_rng(1).normal(size=(3, *network.input.shape[1:])).astype(np.float32)
    expected, found = (np.asarray(model(x, training=False)) for model in (network, copy))
    return float(np.abs(expected - found).max() / np.abs(expected).max())


@pytest.mark.parametrize("build", [resnet8, lambda *a: mobilenet(*a, 0.25, ((1, 16, 1, 1), (6, 24, 2, 2)), 64)])
@pytest.mark.parametrize("nested", [False, True])
def test_networks_keep_their_outputs_and_lose_their_norms(build: Any, nested: bool) -> None:
    network = scrambled(build((8, 8, 6), 5))
    before = [weights.copy() for weights in network.get_weights()]
    if nested:
        inputs = keras.Input((8, 8, 6))
        network = keras.Model(inputs, layers.Dense(3)(network(inputs)))
    copy = folded(network)
    assert norms(network) > 0 == norms(copy)
    assert difference(network, copy) < 1e-5
    inner = network.layers[1] if nested else network
    assert all(np.array_equal(a, b) for a, b in zip(before, inner.get_weights(), strict=True))


def test_norms_that_do_not_follow_a_linear_convolution_alone_stay() -> None:
    x = inputs = keras.Input((6, 6, 3))
    x = layers.BatchNormalization()(layers.Conv2D(4, 3, activation="relu")(layers.BatchNormalization()(x)))
    x = layers.Conv2D(4, 1)(x)
    network = scrambled(keras.Model(inputs, layers.Add()([layers.BatchNormalization()(x), x])))
    copy = folded(network)
    assert norms(copy) == 3
    assert difference(network, copy) < 1e-6
