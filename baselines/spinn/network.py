"""The progressive network: MobileNetV2 with early exits at equal shares of its multiply-accumulates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any

from baselines.spinn.method import Settings
from bench.training.backend import keras
from bench.training.networks import MOBILENET_V2, channels, conv, inverted_residual, normalize

layers = keras.layers
STRIDES = (1, 2, 1, 2, 1, 2, 1)  # of the seven stages: maps of 32, 16, 16, 8, 8, 4, 4 pixels
SIDE = 32  # pixels of the map behind the stem, at most


@dataclass(frozen=True)
class Progressive:
    """Tensors of one functional network: frame (N, H, W, C), the maps at the exits, logits of each exit and the last.

    maps[i] and exits[i] belong together; the network may be cut at any of the maps.
    """

    frame: Any
    maps: tuple[Any, ...]
    exits: tuple[Any, ...]
    last: Any

    @cached_property
    def whole(self) -> Any:
        """frame -> (logits of the exits in order, logits of the last classifier)."""
        return keras.Model(self.frame, [*self.exits, self.last])

    def segment(self, i: int) -> Any:
        """From the map of exit i - 1 (the frame for i = 0) to that of exit i."""
        return keras.Model(self.maps[i - 1] if i else self.frame, self.maps[i])

    def classifier(self, i: int) -> Any:
        """The map of exit i -> its probabilities."""
        return keras.Model(self.maps[i], layers.Softmax()(self.exits[i]))

    def rest(self, i: int) -> Any:
        """The map of exit i -> the last logits: what the server computes."""
        return keras.Model(self.maps[i], self.last)


def build(shape: Sequence[int], classes: int, settings: Settings, stride: int) -> Progressive:
    """For frames of `shape`; stride: of the stem, at least, more where its map would be larger than SIDE."""
    frame = keras.Input(tuple(shape))
    x = conv(frame, channels(32, settings.width), 3, max(stride, shape[0] // SIDE))
    ends = []
    for (expansion, filters, blocks, _), first in list(zip(MOBILENET_V2, STRIDES, strict=True))[: settings.stages]:
        for block in range(blocks):
            x = inverted_residual(x, expansion, channels(filters, settings.width), first if block == 0 else 1)
            ends.append(x)
    pooled = layers.GlobalAveragePooling2D()(conv(x, channels(settings.head, settings.width)))
    last = layers.Dense(classes)(pooled)
    costs = [macs(keras.Model(frame, end)) for end in ends]
    places = equal_shares(costs, macs(keras.Model(frame, last)), settings.exits)
    maps = tuple(ends[place] for place in places)
    return Progressive(frame, maps, tuple(classify(x, settings.hidden, classes) for x in maps), last)


def classify(x: Any, hidden: int, classes: int) -> Any:
    """A small classifier on a map: separable convolution of stride 2 to `hidden` channels, pooling, dense layer."""
    x = normalize(layers.DepthwiseConv2D(3, 2, "same", use_bias=False)(x))
    return layers.Dense(classes)(layers.GlobalAveragePooling2D()(conv(x, hidden)))


def equal_shares(costs: Sequence[int], total: int, exits: int) -> list[int]:
    """Which blocks the exits follow: those whose costs are nearest to i / (exits + 1) of the total, each once."""
    places: list[int] = []
    for i in range(1, exits + 1):
        free = [place for place in range(len(costs)) if not places or place > places[-1]]
        places.append(min(free, key=lambda place: abs(costs[place] - total * i / (exits + 1))))
    return places


def macs(model: Any) -> int:
    """Multiply-accumulates of all layers."""
    return sum(layer_macs(layer) for layer in model.layers)


def layer_macs(layer: Any) -> int:
    """Multiply-accumulates of a convolution or dense layer; 0 for any other."""
    if type(layer).__name__ not in ("Conv2D", "DepthwiseConv2D", "Dense"):
        return 0
    return prod(layer.kernel.shape) * prod(layer.output.shape[1:-1])
