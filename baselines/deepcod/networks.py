"""DeepCOD's encoder on the device and its decoder on the server, after the published code (resnet_model.py)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.training.backend import keras
from bench.training.networks import conv, normalize

layers = keras.layers
ops = keras.ops
KERNEL = 4  # pixels along a side of the encoder's window
MIDDLE = 3.0  # of the quantizer's range, where the codes start


def encoder(frame: Sequence[int], channels: int, step: int, hidden: int = 0) -> Any:
    """Frame float (N, H, W, C) in [0, 1] -> codes (N, H / step, W / step, channels): one linear 4x4 convolution.

    step 4: windows side by side, as published; step 2: they overlap. Its kernel is spectrally normalized; the bias
    stands for the mean colour that the published code takes off. hidden > 0: that convolution has `hidden` channels,
    batch norm and ReLU6, and a linear 3x3 convolution makes the codes.
    """
    x = inputs = keras.Input(tuple(frame))
    size, stride = KERNEL, step
    if hidden:
        x, size, stride = conv(x, hidden, KERNEL, step), 3, 1
    codes = Spectral(layers.Conv2D(channels, size, stride, "same", use_bias=False), start=MIDDLE)(x)
    return keras.Model(inputs, codes, name="encoder")


def decoder(shape: Sequence[int], channels: int, widths: Sequence[int], steps: Sequence[int]) -> Any:
    """Quantized codes (N, *shape) -> frame (N, H, W, channels) in [0, 1], `steps` multiplied as large along a side.

    Self-attention, a residual block to widths[0] that enlarges by steps[0], self-attention, the same with [1], then
    batch norm, ReLU, 3x3 convolution, tanh.
    """
    height, _, depth = shape
    pool = max(1, min(4, height // 4))  # 4 in the published code, whose maps are larger than any here
    x = inputs = keras.Input(tuple(shape))
    x = attention(x, pool, depth, depth)
    x = enlarge(x, widths[0], steps[0])
    x = attention(x, pool * steps[0], max(1, widths[0] // 8), max(1, widths[0] // 4))
    x = enlarge(x, widths[1], steps[1])
    x = Spectral(layers.Conv2D(channels, 3, padding="same", use_bias=False), start=0.0)(layers.ReLU()(normalize(x)))
    return keras.Model(inputs, (ops.tanh(x) + 1) / 2, name="decoder")


def enlarge(x: Any, filters: int, step: int) -> Any:
    """Batch norm, ReLU, 3x3 transposed convolution of stride `step`, the same of stride 1; one more as the shortcut."""
    y = transposed(layers.ReLU()(normalize(x)), filters, step)
    y = transposed(layers.ReLU()(normalize(y)), filters, 1)
    return layers.Add()([transposed(x, filters, step), y])


def transposed(x: Any, filters: int, step: int) -> Any:
    """Of stride 1, a transposed convolution is a convolution with its kernel turned round."""
    kind = layers.Conv2DTranspose if step > 1 else layers.Conv2D
    return Spectral(kind(filters, 3, step, "same", use_bias=False))(x)


def attention(x: Any, pool: int, keys: int, values: int) -> Any:
    """Every place of (N, H, W, C) looks at the map pooled by `pool` (Zhang et al. 2019): x + gamma * what it finds."""
    height, width, channels = x.shape[1:]
    query, key, value = (Spectral(layers.Conv2D(n, 1, use_bias=False))(x) for n in (keys, keys, values))
    key, value = (layers.MaxPooling2D(pool)(t) if pool > 1 else t for t in (key, value))
    query, key, value = (layers.Reshape((-1, t.shape[-1]))(t) for t in (query, key, value))
    found = ops.matmul(ops.softmax(ops.matmul(query, ops.transpose(key, (0, 2, 1)))), value)
    found = layers.Reshape((height, width, values))(found)
    return layers.Add()([x, Gain()(Spectral(layers.Conv2D(channels, 1, use_bias=False))(found))])


class Spectral(keras.layers.Layer):
    """A convolution whose kernel, as a matrix, is divided by its largest singular value (Miyato et al. 2018).

    One power iteration per training step finds the value. start: of a trained bias; None: there is none. Unlike Keras's
    layer of that name, which cuts the kernel itself back before each step, it computes the same right after a step.
    """

    def __init__(self, convolution: Any, start: float | None = None) -> None:
        super().__init__()
        self.convolution, self.start = convolution, start

    def build(self, shape: Sequence[int]) -> None:
        self.convolution.build(shape)
        self.direction = self.add_weight(
            shape=(1, self.convolution.kernel.shape[-1]), initializer="random_normal", trainable=False, name="direction"
        )
        self.largest = self.add_weight(shape=(), initializer="ones", trainable=False, name="largest")
        if self.start is not None:
            start = keras.initializers.Constant(self.start)
            self.bias = self.add_weight(shape=(self.convolution.filters,), initializer=start, name="bias")

    def call(self, x: Any, training: bool = False) -> Any:
        y = self.convolution(x) / (self.measure() if training else self.largest)
        return y if self.start is None else y + self.bias

    def measure(self) -> Any:
        """The largest singular value, after one more power iteration; its gradient reaches the kernel."""
        matrix = ops.reshape(self.convolution.kernel, (-1, self.direction.shape[1]))
        held = ops.stop_gradient(matrix)
        left = ops.normalize(ops.matmul(self.direction, ops.transpose(held)))
        right = ops.normalize(ops.matmul(left, held))
        largest = ops.sum(ops.matmul(left, matrix) * right)
        self.direction.assign(right)
        self.largest.assign(largest)
        return largest


class Gain(keras.layers.Layer):
    """Its input times one trained number that starts at zero."""

    def build(self, *_: Any) -> None:
        self.gamma = self.add_weight(shape=(), initializer="zeros", name="gamma")

    def call(self, x: Any) -> Any:
        return self.gamma * x
