"""Channel selection (Sec 5, Algorithm 1): which k channels matter most often, and how they get to the front."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.training.backend import keras

ops, layers = keras.ops, keras.layers


def frequencies(importance: np.ndarray, k: int) -> np.ndarray:
    """(C,): the share of samples that have channel c among their k most important ones; importance: (N, C)."""
    top = np.argsort(-importance, axis=1, kind="stable")[:, :k]
    return np.bincount(top.ravel(), minlength=importance.shape[1]) / len(importance)


def order(importance: np.ndarray, k: int) -> np.ndarray:
    """Channels by falling frequency, ties by falling mean importance: (C,), a permutation."""
    return np.lexsort((-importance.mean(axis=0), -frequencies(importance, k)))


def permute(extractor: Any, chosen: np.ndarray) -> None:
    """Feature i of the extractor becomes what feature chosen[i] was: kernel of its last convolution and batch norm."""
    convolution, norm = last(extractor)
    convolution.kernel.assign(ops.take(convolution.kernel.value, chosen, axis=-1))
    for weight in norm.weights:
        weight.assign(ops.take(weight.value, chosen, axis=0))


def ordered(reference: Any, chosen: np.ndarray) -> Any:
    """The reference network behind the permuted extractor: puts the channels back (by a constant matrix) before it."""
    back = layers.Dense(len(chosen), use_bias=False, trainable=False, name="order")
    inputs = keras.Input(reference.input.shape[1:])
    outputs = reference(back(inputs))
    back.kernel.assign(np.eye(len(chosen), dtype=np.float32)[chosen])
    return keras.Model(inputs, outputs, name="ordered_reference")


def last(extractor: Any) -> tuple[Any, Any]:
    """The extractor's last convolution and the batch norm behind it."""
    convolution = [x for x in extractor.layers if type(x) is layers.Conv2D][-1]
    norm = [x for x in extractor.layers if isinstance(x, layers.BatchNormalization)][-1]
    return convolution, norm
