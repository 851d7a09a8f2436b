"""EfficientNet-Lite0 (Google 2020): EfficientNet-B0 (Tan and Le 2019) without squeeze-and-excite, ReLU6 for swish.

ImageNet weights: bench/training/lite0.py. The stem gives 32 channels and AgileNN's extractor 24, so a 1x1 convolution
with batch norm and ReLU6 stands in place of the stem: the least that gives the blocks 32 channels in [0, 6]. It starts
from random weights and learns in the fine-tuning.

Checked against what is published: 4,652,008 trained parameters (4.7 M); 385.2 M multiplications in convolutions and
dense layer at 224x224 (the table has 407 M and does not say what it counts; a PyTorch port has 385 M). Its accuracy,
75.1 % on ImageNet, could not be tried. `classifier()` on 1,000 of Tiny ImageNet's validation images, enlarged from
64x64 to 224x224 (bicubic), finds 32.1 % of the labels among all 1000 classes and 56.6 % among the set's 200. What
scikit-learn's two photographs show, and what its batch norms have stored about natural images, is checked in
tests/test_references.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from bench.errors import DataError
from bench.training import lite0
from bench.training.backend import keras
from bench.training.networks import conv, inverted_residual

layers = keras.layers
STEM, HEAD = 32, 1280
# expansion, channels, blocks, stride of the first block, kernel size
STAGES = (
    (1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5), (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)  # fmt: skip


def build(name: str, shape: tuple[int, int, int], classes: int, width: int) -> Any:
    """Features (N, H, W, C) -> logits (N, classes), with a random adapter and head; dropout 0.2 as published."""
    x = inputs = keras.Input(shape)
    middle = trunk()
    load(middle.layers, names(), lite0.weights())
    x = layers.GlobalAveragePooling2D()(middle(conv(x, STEM)))
    return keras.Model(inputs, layers.Dense(classes)(layers.Dropout(0.2)(x)), name="reference")


def classifier() -> Any:
    """The whole published network with its weights: images (N, H, W, 3) as (x - 127) / 128 -> ImageNet's 1000 logits.

    Only to check that the weights are where they belong.
    """
    x = inputs = keras.Input((None, None, 3))
    middle = trunk()
    x = layers.GlobalAveragePooling2D()(middle(conv(x, STEM, 3, 2)))
    model = keras.Model(inputs, layers.Dense(1000)(x))
    values = lite0.weights()
    load(middle.layers, names(), values)
    load([layer for layer in model.layers if layer is not middle], ("_conv_stem", "_bn0", "_fc"), values)
    return model


def trunk() -> Any:
    """From the stem's output (N, H, W, 32) to the last feature map (N, H / 16, W / 16, 1280)."""
    x = inputs = keras.Input((None, None, STEM))
    for expansion, filters, blocks, stride, size in STAGES:
        for block in range(blocks):
            x = inverted_residual(x, expansion, filters, stride if block == 0 else 1, size)
    return keras.Model(inputs, conv(x, HEAD), name="efficientnet_lite0")


def names() -> Iterator[str]:
    """The weights file's names for the trunk's layers, in order."""
    number = 0
    for expansion, _, blocks, _, _ in STAGES:
        for _ in range(blocks):
            if expansion > 1:
                yield from (f"_blocks.{number}._expand_conv", f"_blocks.{number}._bn0")
            for part in ("_depthwise_conv", "_bn1", "_project_conv", "_bn2"):
                yield f"_blocks.{number}.{part}"
            number += 1
    yield from ("_conv_head", "_bn1")


def load(parts: Iterable[Any], keys: Iterable[str], values: Mapping[str, np.ndarray]) -> None:
    """Gives each layer that has weights those of its name. DataError where names, numbers or shapes do not agree."""
    try:
        for layer, key in zip([part for part in parts if part.weights], keys, strict=True):
            layer.set_weights(arrays(layer, key, values))
    except (KeyError, ValueError) as error:
        raise DataError(f"{lite0.PACKAGE}: not EfficientNet-Lite0's weights ({error})", do="get it again") from None


def arrays(layer: Any, key: str, values: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """A layer's weights from PyTorch's layout (out, in, height, width) into Keras' order and layout."""
    if isinstance(layer, layers.BatchNormalization):
        return [values[f"{key}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")]
    kernel = values[f"{key}.weight"]
    if isinstance(layer, layers.Dense):
        return [kernel.T, values[f"{key}.bias"]]
    depthwise = isinstance(layer, layers.DepthwiseConv2D)
    return [kernel.transpose((2, 3, 0, 1) if depthwise else (2, 3, 1, 0))]
