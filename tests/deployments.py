"""Small deployments with random int8 networks, one per shape of program; built without TensorFlow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tflite_builder import ModelBuilder, options

from bench.method import Deployment, Stage

RELU6, SAME, VALID = 3, 0, 1
SEND = (Stage("send", ("payload",)), Stage("receive", (), ("remote",)))


class Network:
    """A chain of int8 layers on one (H, W, C) input."""

    def __init__(self, shape: tuple[int, ...], scale: float, zero: int, seed: int) -> None:
        self.b, self.rng = ModelBuilder(), np.random.default_rng(seed)
        self.shape, self.scale = shape, scale
        self.first = self.last = self.b.tensor((1, *shape), scale, zero)

    def conv(self, channels: int, size: int, stride: int, depthwise: bool = False) -> Network:
        h, w, c = self.shape
        weights = self.rng.integers(-127, 128, (1, size, size, c) if depthwise else (channels, size, size, c))
        scales = self.rng.uniform(0.004, 0.008, weights.shape[3] if depthwise else channels).astype(np.float32)
        shape = (-(-h // stride), -(-w // stride), c if depthwise else channels)
        biases = self.b.tensor(
            (len(scales),), np.float32(self.scale) * scales, 0, self.rng.integers(-99, 999, len(scales)), dtype="int32"
        )
        kernel = self.b.tensor(weights.shape, scales, 0, weights, axis=3 if depthwise else 0)
        kind = "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D"
        extra = {"depthMultiplier": 1} if depthwise else {}
        what = options(
            "DepthwiseConv2D" if depthwise else "Conv2D",
            strideH=stride,
            strideW=stride,
            padding=SAME,
            fusedActivationFunction=RELU6,
            **extra,
        )
        return self._add(kind, [self.last, kernel, biases], shape, 6 / 255, -128, what)

    def head(self, classes: int) -> Network:
        """Mean over the image, then a dense layer."""
        axes = self.b.tensor((2,), data=[1, 2], dtype="int32")
        channels = self.shape[2]
        self._add("MEAN", [self.last, axes], (channels,), self.scale, -128, options("Reducer", keepDims=False))
        weights = self.b.tensor((classes, channels), 0.02, 0, self.rng.integers(-127, 128, (classes, channels)))
        bias = self.b.tensor(
            (classes,),
            np.float32(self.scale) * np.float32(0.02),
            0,
            self.rng.integers(-200, 200, classes),
            dtype="int32",
        )
        return self._add("FULLY_CONNECTED", [self.last, weights, bias], (classes,), 0.05, 7, options("FullyConnected"))

    def softmax(self) -> Network:
        return self._add("SOFTMAX", [self.last], self.shape, 1 / 256, -128, options("Softmax", beta=1.0))

    def save(self, path: Path) -> None:
        path.write_bytes(self.b.bytes([self.first], [self.last]))

    def _add(self, op: str, reads: list[int], shape: tuple[int, ...], scale: float, zero: int, what) -> Network:
        self.last = self.b.tensor((1, *shape), scale, zero)
        self.b.operator(op, reads, [self.last], what)
        self.shape, self.scale = shape, scale
        return self


def deployment(folder: Path, method: str, frame: tuple[int, int, int], classes: int, *stages: Stage) -> Deployment:
    return Deployment(method, "test", "paper", frame, classes, stages, None, {}, folder)


def edge_only(folder: Path, frame=(24, 24, 1), classes: int = 10) -> Deployment:
    return deployment(
        folder,
        "edge_only",
        frame,
        classes,
        Stage("code", ("frame",), ("payload",), {"coder": "lzw", "bits": 8}),
        *SEND,
        Stage("combine", ("remote",), ("scores",), {"weights": [32768], "shifts": [0], "zeros": [0]}),
    )


def agilenn(folder: Path, frame=(24, 24, 3), classes: int = 10, seed: int = 1) -> Deployment:
    """Separable convolutions to 24 channels at a third of the side; 5 channels stay, 19 travel as 3-bit symbols."""
    net = Network(frame, 1 / 255, -128, seed)
    net.conv(0, 3, 3, depthwise=True).conv(4, 1, 1).conv(0, 3, 1, depthwise=True).conv(24, 1, 1).save(
        folder / "extractor.tflite"
    )
    Network((*net.shape[:2], 5), 6 / 255, -128, seed + 1).head(classes).save(folder / "local.tflite")
    edges = np.sort(np.random.default_rng(seed).choice(np.arange(-127, 128), 7, replace=False))
    table = np.searchsorted(edges, np.arange(-128, 128), side="right").tolist()
    return deployment(
        folder,
        "agilenn",
        frame,
        classes,
        Stage("net", ("frame",), ("features",), {"model": "extractor.tflite"}),
        Stage("split", ("features",), ("important",), {"channels": 5}),
        Stage("net", ("important",), ("local",), {"model": "local.tflite"}),
        Stage("quantize", ("features",), ("symbols",), {"first": 5, "table": table}),
        Stage("code", ("symbols",), ("payload",), {"coder": "lzw", "bits": 3}),
        *SEND,
        Stage(
            "combine", ("local", "remote"), ("scores",), {"weights": [20000, 12768], "shifts": [6, 0], "zeros": [7, 0]}
        ),
    )


def early_exit(folder: Path, threshold: int, frame=(24, 24, 3), classes: int = 10) -> Deployment:
    """Answers on the device when it is sure enough, else sends the frame."""
    Network(frame, 1 / 255, -128, 3).conv(8, 3, 2).head(classes).softmax().save(folder / "exit.tflite")
    net = Stage("net", ("frame",), ("chances",), {"model": "exit.tflite"})
    leave = Stage("exit_if", ("chances",), ("scores",), {"threshold": threshold})
    rest = edge_only(folder, frame, classes).stages
    only_device = threshold == -128
    return deployment(folder, "early", frame, classes, net, leave, *(() if only_device else rest))
