"""How uneven the importance of channels is by nature, in a network trained without any thought of it: fig_skew_cdf."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bench import datasets
from bench.audit import regular
from bench.audit.audit import sample
from bench.audit.importance import importance
from bench.audit.masking import classes
from bench.errors import DataError

SHARE = 0.2  # of the channels: the top ones of each image


def natural(*, dataset: str, images: str, data_dir: Path | None, n: int, **_settings: object) -> dict[str, Any]:
    """skewness: percent of importance in each image's own top channels, where the image is classified rightly.

    n: the number of all images. images: fingerprint.
    """
    data = datasets.load(dataset, data_dir)
    if data.fingerprint != images:
        raise DataError(f"{dataset}: its images changed during the run", expected=images, got=data.fingerprint)
    stem, rest = regular.train(data)
    features, labels = regular.features(stem, sample(data.x_test, n)), sample(data.y_test, n)
    right = classes(rest, features) == labels
    found = importance(rest, features[right], labels[right])
    return {"n": len(labels), "skewness": top_share(found).tolist()}


def top_share(found: np.ndarray) -> np.ndarray:
    """(N,): percent of importance (N, C) in the top SHARE of the channels, chosen for each image."""
    count = round(SHARE * found.shape[1])
    return 100 * np.sort(found, axis=1)[:, -count:].sum(axis=1)
