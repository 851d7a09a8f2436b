"""Whole int8 networks with random weights, for tests of chains of layers and for cycle counts."""

from __future__ import annotations

from bench.benchmarks.networks import published
from bench.benchmarks.networks.chain import Chain


def extractor() -> bytes:
    return published.extractor().bytes()


def resnet8(side: int = 32) -> bytes:
    return published.resnet8(side).bytes()


def separable(side: int = 32) -> bytes:
    """The operators of a small MobileNet."""
    n = Chain((side, side, 3), seed=2).conv(8, 3, 2).depthwise(3).conv(16).depthwise(3, 2).conv(24)
    start = n.at
    n.conv(72).depthwise(5).conv(24, relu6=False).add(start)
    return n.head(10).bytes()
