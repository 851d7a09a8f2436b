"""One of MCUNet's networks as a Keras model, with a last layer for another number of classes."""

from __future__ import annotations

from typing import Any

from bench.training.backend import keras
from bench.training.mcunet import Net
from bench.training.networks import conv, inverted_residual


def build(net: Net, channels: int, classes: int) -> Any:
    """Frames float (N, side, side, channels) in [0, 1] -> logits (N, classes)."""
    inputs = keras.Input((net.side, net.side, channels))
    x = conv(inputs, net.stem, 3, 2)
    for expansion, filters, stride, size in net.blocks:
        x = inverted_residual(x, expansion, filters, stride, size)
    x = conv(x, net.head) if net.head else x
    return keras.Model(inputs, keras.layers.Dense(classes)(keras.layers.GlobalAveragePooling2D()(x)))
