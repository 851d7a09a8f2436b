"""A small ResNet, trained from scratch with the extractor: needs no download, and is cheap enough for two cores."""

from __future__ import annotations

from typing import Any

from bench.training.networks import resnet8


def build(name: str, shape: tuple[int, int, int], classes: int, width: int) -> Any:
    """Features (N, H, W, C) -> logits; maps of 16 pixels and more are halved at once."""
    return resnet8(shape, classes, width, stride=2 if shape[0] >= 16 else 1)
