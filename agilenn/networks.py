"""AgileNN's networks: feature extractor, Local NN, Remote NN, and the reference network that explains the features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agilenn.config import Settings
from bench.errors import UnknownName
from bench.training.backend import keras
from bench.training.networks import conv, normalize, server_network

layers = keras.layers


def extractor(frame: Sequence[int], channels: int, stride: int, kind: str = "separable", depth: int = 2) -> Any:
    """Frame float (N, H, W, C) in [0, 1] -> features (N, H / step, W / step, channels) in [0, 6].

    stride: side of the frame over side of the original image. kind "separable" (the published scripts): separable
    convolutions of 4 and `channels` outputs, step = stride; 175,104 MACs for 96x96x3. kind "standard" (the paper's
    text): two 3x3 convolutions of `channels` outputs, step = stride + 1; 3,359,232 MACs. The text states no stride:
    README.md has the device times that chose it. depth: convolutions; those beyond two repeat the last one.
    """
    x = inputs = keras.Input(tuple(frame))
    if kind == "separable":
        for filters, step in ((4, stride), *[(channels, 1)] * (depth - 1)):
            x = layers.DepthwiseConv2D(3, step, "same", use_bias=False, depthwise_initializer="he_normal")(x)
            x = conv(x, filters)
    elif kind == "standard":
        for step in (stride + 1, *[1] * (depth - 1)):
            x = conv(x, channels, 3, step)
    else:
        raise UnknownName("extractor", kind, ("separable", "standard"))
    return keras.Model(inputs, x, name="extractor")


def local(shape: Sequence[int], classes: int, normalized: bool = False) -> Any:
    """Important features (N, H, W, k) -> logits: global average pooling and one dense layer (Sec 7).

    normalized: batch norm on the logits, as in the published scripts; an exported file has it inside the dense layer.
    """
    inputs = keras.Input(tuple(shape))
    logits = layers.Dense(classes)(layers.GlobalAveragePooling2D()(inputs))
    return keras.Model(inputs, normalize(logits) if normalized else logits, name="local")


def remote(shape: Sequence[int], classes: int, settings: Settings) -> Any:
    """Dequantized features (N, *shape) that travel -> logits: MobileNetV2 minus its first convolution, or another."""
    width, stages, head = settings.remote_width, settings.remote_stages, settings.remote_head
    return server_network(settings.remote, shape, classes, width, stages, head)
