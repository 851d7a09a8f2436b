"""What splits cost and reach: device cycles estimated from MACs, exits and accuracy on validation images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from baselines.spinn.network import Progressive, layer_macs
from baselines.spinn.schedule import Point
from baselines.spinn.symbols import Symbols
from bench.training.backend import keras
from bench.training.pipeline import unit

# Cycles per multiply-accumulate (per value of an addition) on the emulated STM32F746 at 216 MHz: means over layers of
# this very network for CIFAR-10 frames, cut behind its third exit (./reproduce.sh profile --method spinn:split3 ...).
PER_MAC = {"Conv2D": 0.92, "DepthwiseConv2D": 2.3, "Dense": 3.0}
PER_SUM = 16.0
THRESHOLDS = (*range(-104, 120, 8), 124, 128)  # of int8 probabilities: 0.09, 0.13, ... 0.97, 0.98, never
BATCH = 250


def cycles(model: Any) -> int:
    """Estimated device cycles of a network."""
    total = 0.0
    for layer in model.layers:
        kind = type(layer).__name__
        total += layer_macs(layer) * PER_MAC.get(kind, 0.0)
        total += PER_SUM * prod(layer.output.shape[1:]) if kind == "Add" else 0.0
    return round(total)


@dataclass(frozen=True)
class Seen:
    """What the float32 network says of the validation images: labels (N,); chances (N, classes) of each exit; logits
    (N, classes) of the server behind each split, from the values that its symbols stand for.
    """

    labels: np.ndarray
    chances: list[np.ndarray]
    remote: list[np.ndarray]

    def points(self, split: int) -> tuple[Point, ...]:
        """All thresholds where the network is cut behind exit `split`, counted from 0."""
        return tuple(self._point(split, threshold) for threshold in THRESHOLDS)

    def _point(self, split: int, threshold: int) -> Point:
        answer = self.remote[split].argmax(axis=1)
        open_, left = np.ones(len(self.labels), bool), []
        for chances in self.chances[: split + 1]:
            sure = open_ & (np.minimum(np.rint(chances.max(axis=1) * 256) - 128, 127) >= threshold)  # as int8
            answer[sure] = chances.argmax(axis=1)[sure]
            left.append(round(float(sure.mean()), 4))
            open_ &= ~sure
        return Point(threshold, tuple(left), round(100 * float((answer == self.labels).mean()), 2))


def look(network: Progressive, symbols: Sequence[Symbols], frames: np.ndarray, labels: np.ndarray) -> Seen:
    """Runs uint8 frames (N, H, W, C) through the network; symbols: of the maps at the splits, the first ones."""
    count = len(symbols)
    front = keras.Model(network.frame, [*network.maps[:count], *network.exits[:count]])
    rests = [network.rest(i) for i in range(count)]
    chances: list[list[np.ndarray]] = [[] for _ in symbols]
    remote: list[list[np.ndarray]] = [[] for _ in symbols]
    for start in range(0, len(frames), BATCH):
        out = [keras.ops.convert_to_numpy(t) for t in front(unit(frames[start : start + BATCH]), training=False)]
        for i, known in enumerate(symbols):
            chances[i].append(keras.ops.convert_to_numpy(keras.ops.softmax(out[count + i])))
            received = known.values_of(out[i])
            remote[i].append(keras.ops.convert_to_numpy(rests[i](received, training=False)))
    return Seen(labels, [np.concatenate(part) for part in chances], [np.concatenate(part) for part in remote])
