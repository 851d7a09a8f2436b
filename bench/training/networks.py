"""Networks that several methods share, as Keras functional models. Every layer exports to int8 and float TFLite.

Sources: MobileNetV2 (Sandler et al. 2018, Table 2); ResNet8, the small CIFAR network of MLPerf Tiny.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.errors import UnknownName
from bench.training.backend import keras
from bench.training.budget import SERVERS
from bench.training.normalization import BatchNormalization

layers = keras.layers
Stage = tuple[int, int, int, int]  # expansion t, channels c, blocks n, stride of the first block s
MOBILENET_V2: tuple[Stage, ...] = (
    (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
)  # fmt: skip
PUBLISHED: tuple[Stage, ...] = tuple((t, c, n, 1 if c == 24 else s) for t, c, n, s in MOBILENET_V2)


def channels(base: int, width: float) -> int:
    """`base` channels times the width multiplier: a multiple of 8, at least 90 % of it (MobileNetV2's rule)."""
    wanted = base * width
    rounded = max(8, int(wanted + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * wanted else rounded


def normalize(x: Any) -> Any:
    """Batch normalization that converter and compiler fold into the layer before."""
    return BatchNormalization(momentum=0.95, epsilon=1e-3)(x)


def conv(x: Any, filters: int, size: int = 1, stride: int = 1, activation: bool = True) -> Any:
    """Convolution without bias, batch norm, ReLU6 on (N, H, W, C)."""
    x = layers.Conv2D(filters, size, stride, "same", use_bias=False, kernel_initializer="he_normal")(x)
    x = normalize(x)
    return layers.ReLU(6.0)(x) if activation else x


def inverted_residual(x: Any, expansion: int, filters: int, stride: int, size: int = 3) -> Any:
    """MobileNetV2's block: 1x1 expand, depthwise of `size`, 1x1 project, and the shortcut where shapes agree."""
    y = conv(x, x.shape[-1] * expansion) if expansion > 1 else x
    y = layers.DepthwiseConv2D(size, stride, "same", use_bias=False)(y)
    y = layers.ReLU(6.0)(normalize(y))
    y = conv(y, filters, activation=False)
    return layers.Add()([x, y]) if stride == 1 and x.shape[-1] == filters else y


def mobilenet(
    shape: Sequence[int], classes: int, width: float, stages: Sequence[Stage], head: int, stem_stride: int = 0
) -> Any:
    """MobileNetV2 on float (N, *shape) -> logits (N, classes).

    stem_stride = 0: without its first convolution (AgileNN's Remote NN, Sec 7); else with a 3x3 stem of that stride.
    head: channels of the last 1x1 convolution at width 1.
    """
    inputs = keras.Input(tuple(shape))
    x = conv(inputs, channels(32, width), 3, stem_stride) if stem_stride else inputs
    return keras.Model(inputs, layers.Dense(classes)(bottlenecks(x, width, stages, head)))


def published(
    shape: Sequence[int], classes: int, width: float, stages: Sequence[Stage], head: int, stem_stride: int = 0
) -> Any:
    """Remote NN of AgileNN's published scripts: as `mobilenet`, between two additions of theirs.

    A linear separable convolution to 16 channels comes before the stages, batch norm on the logits at the end.
    """
    inputs = keras.Input(tuple(shape))
    x = conv(inputs, channels(32, width), 3, stem_stride) if stem_stride else inputs
    x = layers.SeparableConv2D(channels(16, width), 3, padding="same", use_bias=False)(x)
    return keras.Model(inputs, normalize(layers.Dense(classes)(bottlenecks(x, width, stages, head))))


def bottlenecks(x: Any, width: float, stages: Sequence[Stage], head: int) -> Any:
    """MobileNetV2 from its first block to the pooled features (N, head times width)."""
    for expansion, filters, blocks, stride in stages:
        for block in range(blocks):
            x = inverted_residual(x, expansion, channels(filters, width), stride if block == 0 else 1)
    return layers.GlobalAveragePooling2D()(conv(x, channels(head, width)))


def resnet8(shape: Sequence[int], classes: int, width: int = 32, stride: int = 1, stem_stride: int = 0) -> Any:
    """A 3x3 convolution of `stride`, then three residual blocks: float (N, *shape) -> logits (N, classes).

    The blocks have strides 1, 2, 2 and `width`, 2 `width`, 2 `width` channels. stem_stride > 0: a 3x3 convolution of
    that stride and width / 2 channels comes before.
    """
    x = inputs = keras.Input(tuple(shape))
    if stem_stride:
        x = conv(x, width // 2, 3, stem_stride)
    x = conv(x, width, 3, stride)
    for filters, step in ((width, 1), (2 * width, 2), (2 * width, 2)):
        y = conv(conv(x, filters, 3, step), filters, 3, activation=False)
        if step > 1:
            x = conv(x, filters, 1, step, activation=False)
        x = layers.ReLU(6.0)(layers.Add()([x, y]))
    return keras.Model(inputs, layers.Dense(classes)(layers.GlobalAveragePooling2D()(x)))


def vgg(shape: Sequence[int], classes: int, width: int = 64, stem_stride: int = 0) -> Any:
    """Three pairs of 3x3 convolutions of `width`, 2 and 4 times `width` channels: float (N, *shape) -> logits.

    The first of each pair is followed by 2x2 max pooling, the last by the maximum of the map. Of the networks here it
    learns most per second of CPU time. Maps of more than 32 pixels are halved at once. stem_stride > 0: a convolution
    of that stride and width / 2 channels before.
    """
    x = inputs = keras.Input(tuple(shape))
    if stem_stride:
        x = conv(x, width // 2, 3, stem_stride)
    for filters in (width, 2 * width, 4 * width):
        step = 2 if x.shape[1] > 32 else 1
        x = layers.Conv2D(filters, 3, step, "same", use_bias=False, kernel_initializer="he_normal")(x)
        x = layers.ReLU()(normalize(layers.MaxPooling2D(2)(x)))
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False, kernel_initializer="he_normal")(x)
        x = layers.ReLU()(normalize(x))
    return keras.Model(inputs, layers.Dense(classes)(layers.GlobalMaxPooling2D()(x)))


def server_network(
    kind: str, shape: Sequence[int], classes: int, width: float, stages: int, head: int, stem_stride: int = 0
) -> Any:
    """The network behind the link, for every method that leaves it open: float (N, *shape) -> logits (N, classes).

    kind: "mobilenetv2" (the paper's: the first `stages` of its seven, last convolution of `head` channels), "published"
    (the scripts': the same with a larger map in its middle and two more layers), "resnet8" (64 channels times
    `width`; maps of 16 pixels and more are halved at once) or "vgg" (64 channels times `width`; maps of more than 32
    pixels are halved at once).
    """
    if kind == "mobilenetv2":
        return mobilenet(shape, classes, width, MOBILENET_V2[:stages], head, stem_stride)
    if kind == "published":
        return published(shape, classes, width, PUBLISHED[:stages], head, stem_stride)
    if kind == "resnet8":
        side = shape[0] // max(1, stem_stride)
        return resnet8(shape, classes, round(64 * width), 2 if side >= 16 else 1, stem_stride)
    if kind == "vgg":
        return vgg(shape, classes, round(64 * width), stem_stride)
    raise UnknownName("server network", kind, SERVERS)
