"""How important each channel is to a network, and what that says of a split: numpy in, numpy out."""

from __future__ import annotations

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
    how = Attribution(rule, points, "zero" if mean is None else "mean")
    batch, start = max(1, ROOM // points), None if mean is None else tf.constant(mean)
    signature = [tf.TensorSpec((batch, *features.shape[1:]), tf.float32), tf.TensorSpec((batch,), tf.int64)]
    step = tf.function(lambda x, y: explain(network, x, y, how, start), signature, autograph=False)
    out = []
    for i in range(0, len(features), batch):
        rows = np.minimum(np.arange(i, i + batch), len(features) - 1)  # the last image again fills the last batch
        out.append(step(features[rows], labels[rows]).numpy())
    return np.concatenate(out)[: len(features)] if out else np.zeros((0, features.shape[-1]), np.float32)


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
