"""A network as a chain of int8 layers with random weights; activations keep a realistic spread."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.benchmarks.networks.builder import ModelBuilder, options

RELU6_SCALE = 6 / 255
RELU, RELU6 = 1, 3  # schema codes of the activations


@dataclass(frozen=True)
class Place:
    """A tensor of the network and its quantization."""

    index: int
    shape: tuple[int, ...]
    scale: float
    zero: int


class Chain:
    """Adds layer after layer at `at`. The input has the camera's quantization unless told otherwise."""

    def __init__(self, shape: tuple[int, int, int], seed: int = 0, scale: float = 1 / 255, zero: int = -128) -> None:
        self.builder, self.rng = ModelBuilder(), np.random.default_rng(seed)
        self.at = self.first = Place(self.builder.tensor((1, *shape), scale, zero), (1, *shape), scale, zero)

    def conv(
        self, channels: int, kernel: int = 1, stride: int = 1, relu6: bool = True, depthwise: bool = False
    ) -> Chain:
        """SAME padding; depthwise keeps the channels; without ReLU6 the output is linear."""
        _, h, w, ic = self.at.shape
        channels = ic if depthwise else channels
        shape = (1, kernel, kernel, ic) if depthwise else (channels, kernel, kernel, ic)
        weights = np.clip(np.rint(self.rng.normal(0, 40, shape)), -127, 127)
        scale, depth = self.at.scale, kernel * kernel * (1 if depthwise else ic)
        typical = 0.02 / np.sqrt(depth) / max(scale * 100, 1e-3)
        scales = (self.rng.uniform(0.5, 1.5, channels) * typical).astype(np.float32)
        factors = np.float32(scale) * scales
        bias = np.rint(self.rng.normal(0.5, 1, channels) / factors)
        b = self.builder
        reads = [
            self.at.index,
            b.tensor(shape, scales, 0, weights, axis=3 if depthwise else 0),
            b.tensor((channels,), factors, 0, bias, dtype="int32"),
        ]
        out, zero = (RELU6_SCALE, -128) if relu6 else (0.05, 4)
        common = {"strideH": stride, "strideW": stride, "fusedActivationFunction": RELU6 if relu6 else 0}
        shape = (1, -(-h // stride), -(-w // stride), channels)
        if depthwise:
            self._add("DEPTHWISE_CONV_2D", reads, shape, out, zero, "DepthwiseConv2D", depthMultiplier=1, **common)
        else:
            self._add("CONV_2D", reads, shape, out, zero, "Conv2D", **common)
        return self

    def depthwise(self, kernel: int = 3, stride: int = 1, relu6: bool = True) -> Chain:
        return self.conv(0, kernel, stride, relu6, depthwise=True)

    def add(self, other: Place, relu: bool = False) -> Chain:
        """Residual connection with an earlier `at`."""
        scale, zero = (0.04, -128) if relu else (0.06, -3)
        reads = [self.at.index, other.index]
        activation = RELU if relu else 0
        self._add(
            "ADD", reads, self.at.shape, scale, zero, "Add", potScaleInt16=True, fusedActivationFunction=activation
        )
        return self

    def head(self, classes: int) -> Chain:
        """Mean over the image, a dense layer, softmax."""
        b, at, c = self.builder, self.at, self.at.shape[-1]
        axes = b.tensor((2,), data=[1, 2], dtype="int32")
        self._add("MEAN", [at.index, axes], (1, c), at.scale, at.zero, "Reducer")
        weights = b.tensor((classes, c), 0.01, 0, self.rng.integers(-127, 128, (classes, c)))
        bias = b.tensor((classes,), at.scale * 0.01, 0, self.rng.integers(-99, 99, classes), dtype="int32")
        self._add("FULLY_CONNECTED", [self.at.index, weights, bias], (1, classes), 0.1, 5, "FullyConnected")
        self._add("SOFTMAX", [self.at.index], (1, classes), 1 / 256, -128, "Softmax", beta=1.0)
        return self

    def bytes(self) -> bytes:
        """The .tflite file, which ends at `at`."""
        return self.builder.bytes([self.first.index], [self.at.index])

    def _add(
        self, op: str, reads: list[int], shape: tuple[int, ...], scale: float, zero: int, kind: str, **fields: object
    ) -> None:
        index = self.builder.tensor(shape, scale, zero)
        self.builder.operator(op, reads, [index], options(kind, **fields))
        self.at = Place(index, shape, scale, zero)
