"""Uncertainty of what a finite number of images says: 95 % intervals, the same on every run (fixed seed)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

CONFIDENCE = 0.95
RESAMPLES = 2000
SEED = 20221017  # any fixed number: the same records give the same interval


def proportion(hits: int, n: int) -> tuple[float, float]:
    """Wilson score interval of hits / n, as fractions (E. B. Wilson 1927); sound for few images and near 0 or 1."""
    from scipy.stats import binomtest

    interval = binomtest(hits, n).proportion_ci(CONFIDENCE, method="wilson")
    return float(interval.low), float(interval.high)


def interval(
    samples: Sequence[np.ndarray], statistic: Callable[..., np.ndarray] = np.mean
) -> tuple[float, float] | tuple[None, None]:
    """Percentile bootstrap over images of statistic(*samples, axis=-1): samples are 1-D and of one length (paired).

    Returns (None, None) for fewer than two images, from which no spread can be told.
    """
    from scipy.stats import bootstrap

    if len(samples[0]) < 2:
        return None, None
    result = bootstrap(
        samples, statistic, n_resamples=RESAMPLES, batch=200, paired=True, vectorized=True, confidence_level=CONFIDENCE,
        method="percentile", rng=np.random.default_rng(SEED),
    )  # fmt: skip
    return float(result.confidence_interval.low), float(result.confidence_interval.high)


def mcnemar(first: np.ndarray, second: np.ndarray) -> tuple[int, int, float]:
    """(images that only the first gets right, only the second, two-sided p of the exact test) of paired booleans.

    Under the null hypothesis an image on which they differ is as likely to be either's (Q. McNemar 1947).
    """
    from scipy.stats import binomtest

    ours = int(np.sum(first & ~second))
    theirs = int(np.sum(second & ~first))
    return ours, theirs, float(binomtest(ours, ours + theirs).pvalue) if ours + theirs else 1.0
