"""What the symbols say of the quantizer."""

from __future__ import annotations

import numpy as np

from bench import stats
from bench.audit.subject import Subject

USED = 0.001  # a symbol with a smaller share of all is not counted


def histograms(subject: Subject, features: np.ndarray) -> np.ndarray:
    """(N, levels): each image's shares of the symbols that are sent."""
    symbols = subject.symbols(features).reshape(len(features), -1)
    return np.stack([np.bincount(row, minlength=subject.levels) / len(row) for row in symbols])


def effective(*shares: np.ndarray, axis: int = -1) -> np.ndarray:
    """2 ** entropy of the mean shares; one array of images per symbol."""
    mean = np.stack([np.mean(share, axis=axis) for share in shares])
    return np.asarray(2 ** -np.sum(mean * np.log2(np.maximum(mean, 1e-12)), axis=0))


def effective_centroids(shares: np.ndarray) -> tuple[float, tuple[float, float] | tuple[None, None]]:
    """Of shares (N, levels), with a bootstrap interval over images."""
    columns = list(shares.T)
    return float(effective(*columns)), stats.interval(columns, effective)


def used(shares: np.ndarray) -> int:
    """How many symbols occur."""
    return int((shares.mean(axis=0) >= USED).sum())
