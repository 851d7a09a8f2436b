"""AgileNN's networks: feature extractor, Local NN, Remote NN, and the reference network that explains the features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agilenn.config import Settings
from bench.training.backend import keras
from bench.training.networks import normalize, resnet8, server_network

layers = keras.layers


def extractor(frame: Sequence[int], channels: int, stride: int) -> Any:
    """Frame float (N, H, W, C) in [0, 1] -> features (N, H / stride, W / stride, channels) in [0, 6].

    Two separable convolutions of 4 and `channels` outputs, as in the published scripts: 175,104 MACs for 96x96x3 at
    stride 3. (The paper's text says two convolutions of 24 channels, which at that stride would not fit its 16 ms.)
    """
    x = inputs = keras.Input(tuple(frame))
    for filters, step in ((4, stride), (channels, 1)):
        x = layers.DepthwiseConv2D(3, step, "same", use_bias=False, depthwise_initializer="he_normal")(x)
        x = layers.Conv2D(filters, 1, use_bias=False, kernel_initializer="he_normal")(x)
        x = layers.ReLU(6.0)(normalize(x))
    return keras.Model(inputs, x, name="extractor")


def local(shape: Sequence[int], classes: int) -> Any:
    """Important features (N, H, W, k) -> logits: global average pooling and one dense layer (Sec 7)."""
    inputs = keras.Input(tuple(shape))
    return keras.Model(inputs, layers.Dense(classes)(layers.GlobalAveragePooling2D()(inputs)), name="local")


def remote(shape: Sequence[int], classes: int, settings: Settings) -> Any:
    """Dequantized features (N, H, W, channels - k) -> logits: MobileNetV2 minus its first convolution, or smaller."""
    width, stages, head = settings.remote_width, settings.remote_stages, settings.remote_head
    return server_network(settings.remote, shape, classes, width, stages, head)


def reference(shape: Sequence[int], classes: int, settings: Settings) -> Any:
    """All features (N, H, W, channels) -> logits; a small ResNet that halves maps of 16 pixels and more at once."""
    return resnet8(shape, classes, settings.reference_width, stride=2 if shape[0] >= 16 else 1)
