"""Reference networks: what explains the features (Sec 3.1). Name -> builder; importing this imports no TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from bench.errors import BenchError, UnknownName

BUILDERS = {
    "resnet8": "resnet",
    "efficientnet_lite0": "efficientnet_lite",
    "efficientnetv2s": "efficientnet_v2",
    "efficientnetv2b0": "efficientnet_v2",
}
LEAST = 4  # pixels along a side of the feature map: the networks halve it up to four times


def build(name: str, shape: Sequence[int], classes: int, width: int) -> Any:
    """A Keras functional model: features float (N, H, W, C) of `shape` (H, W, C) -> logits (N, classes).

    width: channels of resnet8's first stage; the others have one size. resnet8 starts from random weights, the others
    from ImageNet's (never from random ones instead) with a random head. Raises UnknownName, and BenchError where the
    network does not fit the map or its weights cannot be had.
    """
    if name not in BUILDERS:
        raise UnknownName("reference network", name, BUILDERS)
    if len(shape) != 3 or min(shape[:2]) < LEAST:
        raise BenchError(
            f"the reference network {name} does not fit the feature map",
            expected=f"(H, W, C) with at least {LEAST} x {LEAST} pixels",
            got=tuple(shape),
            do="choose a smaller stride of the extractor or larger images",
        )
    return import_module(f"agilenn.references.{BUILDERS[name]}").build(name, tuple(shape), classes, width)
