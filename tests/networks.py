"""Whole int8 networks with random weights, for tests of chains of layers and for cycle counts."""

from __future__ import annotations

import numpy as np
from models import out_size
from tflite_builder import ModelBuilder, options

RELU6_SCALE = 6 / 255


class Chain:
    """Adds layer after layer; `at` is the current tensor (index, shape, scale, zero)."""

    def __init__(self, shape: tuple[int, int, int], seed: int = 0, scale: float = 1 / 255, zero: int = -128) -> None:
        self.builder, self.rng = ModelBuilder(), np.random.default_rng(seed)
        self.at = (self.builder.tensor((1, *shape), scale, zero), (1, *shape), scale, zero)
        self.first = self.at[0]

    def conv(
        self, channels: int, kernel: int = 1, stride: int = 1, relu6: bool = True, depthwise: bool = False
    ) -> Chain:
        """SAME padding; depthwise keeps the channels."""
        index, (_, h, w, ic), scale, _ = self.at
        channels = ic if depthwise else channels
        shape = (1, kernel, kernel, ic) if depthwise else (channels, kernel, kernel, ic)
        weights = np.clip(np.rint(self.rng.normal(0, 40, shape)), -127, 127)
        depth = kernel * kernel * (1 if depthwise else ic)
        scales = (self.rng.uniform(0.5, 1.5, channels) * (0.02 / np.sqrt(depth) / max(scale * 100, 1e-3))).astype(
            np.float32
        )
        factors = np.float32(scale) * scales
        bias = np.rint(self.rng.normal(0.5, 1, channels) / factors)
        b = self.builder
        w_index = b.tensor(shape, scales, 0, weights, axis=3 if depthwise else 0)
        b_index = b.tensor((channels,), factors, 0, bias, dtype="int32")
        out = (1, out_size(h, kernel, stride, 0), out_size(w, kernel, stride, 0), channels)
        out_scale, out_zero = (RELU6_SCALE, -128) if relu6 else (0.05, 4)
        y = b.tensor(out, out_scale, out_zero)
        common = {"strideH": stride, "strideW": stride, "fusedActivationFunction": 3 if relu6 else 0}
        if depthwise:
            b.operator(
                "DEPTHWISE_CONV_2D",
                [index, w_index, b_index],
                [y],
                options("DepthwiseConv2D", depthMultiplier=1, **common),
            )
        else:
            b.operator("CONV_2D", [index, w_index, b_index], [y], options("Conv2D", **common))
        self.at = (y, out, out_scale, out_zero)
        return self

    def depthwise(self, kernel: int = 3, stride: int = 1, relu6: bool = True) -> Chain:
        return self.conv(0, kernel, stride, relu6, depthwise=True)

    def add(self, other: tuple) -> Chain:
        """Residual connection with an earlier `at`."""
        y = self.builder.tensor(self.at[1], 0.06, -3)
        self.builder.operator("ADD", [self.at[0], other[0]], [y], options("Add", potScaleInt16=True))
        self.at = (y, self.at[1], 0.06, -3)
        return self

    def head(self, classes: int) -> Chain:
        """Mean over the image, a dense layer, softmax."""
        index, (_, _, _, c), scale, zero = self.at
        b = self.builder
        axes = b.tensor((2,), data=[1, 2], dtype="int32")
        m = b.tensor((1, c), scale, zero)
        b.operator("MEAN", [index, axes], [m], options("Reducer"))
        w = b.tensor((classes, c), 0.01, 0, self.rng.integers(-127, 128, (classes, c)))
        bias = b.tensor((classes,), scale * 0.01, 0, self.rng.integers(-99, 99, classes), dtype="int32")
        logits, out = b.tensor((1, classes), 0.1, 5), b.tensor((1, classes), 1 / 256, -128)
        b.operator("FULLY_CONNECTED", [m, w, bias], [logits], options("FullyConnected"))
        b.operator("SOFTMAX", [logits], [out], options("Softmax", beta=1.0))
        self.at = (out, (1, classes), 1 / 256, -128)
        return self

    def bytes(self) -> bytes:
        return self.builder.bytes([self.first], [self.at[0]])


def extractor() -> bytes:
    """AgileNN's feature extractor on a 96x96x3 frame: two separable convolutions to 32x32x24 (175 k MACs)."""
    return Chain((96, 96, 3)).depthwise(3, 3, relu6=False).conv(4).depthwise(3, relu6=False).conv(24).bytes()


def resnet8(side: int = 32) -> bytes:
    """The shapes of MLPerf Tiny's image classification network (12.5 M MACs at 32x32)."""
    n = Chain((side, side, 3), seed=1).conv(16, 3)
    for channels, stride in ((16, 1), (32, 2), (64, 2)):
        start = n.at
        n.conv(channels, 3, stride).conv(channels, 3, relu6=False)
        if stride == 2:
            end = n.at
            n.at = start
            start = n.conv(channels, 1, 2, relu6=False).at
            n.at = end
        n.add(start)
    return n.head(10).bytes()


def separable(side: int = 32) -> bytes:
    """The operators of a small MobileNet."""
    n = Chain((side, side, 3), seed=2).conv(8, 3, 2).depthwise(3).conv(16).depthwise(3, 2).conv(24)
    start = n.at
    n.conv(72).depthwise(5).conv(24, relu6=False).add(start)
    return n.head(10).bytes()
