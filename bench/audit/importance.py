"""How important each channel is to a network, and what that says of a split: numpy in, numpy out."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from agilenn.attribution import Attribution, explain
from bench.training.backend import tf

POINTS = 64  # of the judge's integrated gradients, midpoint rule
ROOM = 512  # maps that go through the network at once: images times points


def importance(
    network: Any,
    features: np.ndarray,
    labels: np.ndarray,
    rule: str = "midpoint",
    points: int = POINTS,
    mean: np.ndarray | None = None,
) -> np.ndarray:
    """(N, C): importance of the channels of real-valued features (N, H, W, C), each image's sum 1.

    rule, points: as in agilenn.attribution. mean: the baseline (H, W, C); None: zero.
    """
    batch = max(1, ROOM // points)
    step = compiled(network, (batch, *features.shape[1:]), Attribution(rule, points, "mean"))
    start = np.zeros(features.shape[1:], np.float32) if mean is None else mean
    out = []
    for i in range(0, len(features), batch):
        rows = np.minimum(np.arange(i, i + batch), len(features) - 1)  # the last image again fills the last batch
        out.append(step(features[rows], labels[rows], start).numpy())
    return np.concatenate(out)[: len(features)] if out else np.zeros((0, features.shape[-1]), np.float32)


@functools.lru_cache(maxsize=16)
def compiled(network: Any, shape: tuple[int, ...], how: Attribution) -> Any:
    """explain() for batches of one shape: features, labels, the map from which the path starts."""
    signature = [
        tf.TensorSpec(of, kind) for of, kind in ((shape, "float32"), (shape[:1], "int64"), (shape[1:], "float32"))
    ]
    return tf.function(lambda x, y, start: explain(network, x, y, how, start), signature, autograph=False)


def skewness(found: np.ndarray, k: int) -> np.ndarray:
    """(N,): percent of importance (N, C) in the first k channels."""
    return 100 * found[:, :k].sum(axis=1)


def violated(found: np.ndarray, k: int) -> np.ndarray:
    """(N,) bool: some other channel is more important than one of the first k."""
    return found[:, k:].max(axis=1) > found[:, :k].min(axis=1)


def overlap(found: np.ndarray, k: int) -> np.ndarray:
    """(N,): percent of the k most important channels that are among the first k."""
    top = np.argsort(-found, axis=1, kind="stable")[:, :k]
    return 100 * (top < k).mean(axis=1)
