"""SPINN's scheduler: of all splits and thresholds that are accurate enough, the one with the lowest mean latency.

A pure function of what the profiler wrote into `deployment.json` (training.profile): another link, clock or server
means another call, not another training. Imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LOSS = 0.5  # points of accuracy that early exits may cost


@dataclass(frozen=True)
class Point:
    """What one threshold does, on validation images. threshold: of the `exit_if` stages; 128: nothing ever leaves.

    left: share of the images that leave at each exit on the device; accuracy: of all, in %, by whoever decides.
    """

    threshold: int
    left: tuple[float, ...]
    accuracy: float


@dataclass(frozen=True)
class Split:
    """The network cut behind its `number`-th exit. shape: (H, W, C) of the map that travels there.

    cycles: of the device until each exit has spoken, estimated from MACs; code_cycles: to quantize and code the map;
    payload: mean bytes, from really coded maps.
    """

    number: int
    shape: tuple[int, int, int]
    cycles: tuple[int, ...]
    code_cycles: int
    payload: float
    points: tuple[Point, ...]

    def milliseconds(
        self, point: Point, clock_hz: float, network_ms: Callable[[float], float], server_ms: float
    ) -> float:
        """Mean latency: images that leave early pay the device until then, all others the link and the server, too."""
        sent = 1.0 - sum(point.left)
        early = sum(share * cycles for share, cycles in zip(point.left, self.cycles, strict=True))
        device = early + sent * (self.cycles[-1] + self.code_cycles)
        return device * 1e3 / clock_hz + sent * (network_ms(self.payload) + server_ms)


@dataclass(frozen=True)
class Choice:
    """A split, its threshold, and the mean latency in ms that the scheduler expects of them."""

    split: Split
    point: Point
    expected_ms: float


def choose(
    splits: Sequence[Split],
    accuracy: float,
    clock_hz: float,
    network_ms: Callable[[float], float],
    server_ms: float,
    number: int | None = None,
) -> Choice:
    """The fastest choice with at least this accuracy (%); where there is none, the most accurate one, then the fastest.

    network_ms: time on the link for a payload of so many bytes, there and back; number: only this split.
    """
    choices = [
        Choice(split, point, split.milliseconds(point, clock_hz, network_ms, server_ms))
        for split in splits if number in (None, split.number) for point in split.points
    ]  # fmt: skip
    most = max(choice.point.accuracy for choice in choices)
    floor = min(accuracy, most)
    return min((c for c in choices if c.point.accuracy >= floor), key=lambda c: c.expected_ms)


def read(profile: Mapping[str, Any]) -> tuple[Split, ...]:
    """The splits of a deployment's `training["profile"]`."""
    return tuple(
        Split(**{
            **split, "shape": tuple(split["shape"]), "cycles": tuple(split["cycles"]),
            "points": tuple(Point(**{**point, "left": tuple(point["left"])}) for point in split["points"]),
        }) for split in profile["splits"]
    )  # fmt: skip
