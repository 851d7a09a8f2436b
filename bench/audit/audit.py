"""One deployment before its judge: the cell of fig_audit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bench import datasets
from bench.accuracy import load
from bench.audit import probes, symbols
from bench.audit.importance import importance, skewness, violated
from bench.audit.judge import HEADS, of_head, train
from bench.audit.subject import Subject

MEAN_OF = 2000  # training images, about, whose mean is the second baseline


def audit(
    *, dataset: str, images: str, deployment: str, folder: Path, data_dir: Path | None, n: int, **_settings: object
) -> dict[str, Any]:
    """What fig_audit draws, one value per test image where that makes sense. images, deployment: fingerprints.

    Importance is that of images which the evaluator classifies rightly. Raises DataError for a deployment without a
    split.
    """
    data, loaded = load(dataset, images, deployment, folder, data_dir)
    subject = Subject.of(loaded)
    judge = train(subject, data)
    known = subject.of_images(sample(data.x_train, max(MEAN_OF, probes.IMAGES)))
    labels = sample(data.y_train, max(MEAN_OF, probes.IMAGES))
    features, truth = subject.of_images(sample(data.x_test, n)), sample(data.y_test, n)
    right = {head: judge.right(head, features, truth) for head in HEADS}
    linear = {
        head: probes.linear(of_head(head, known, subject.k), labels, of_head(head, features, subject.k), truth)
        for head in HEADS
    }
    chosen = right["evaluator"]
    some = known[:: max(1, len(known) // MEAN_OF)]  # not the first ones: images may be in order of their classes
    baselines = {"zero": None, "mean": subject.real(some).mean(axis=0)}
    judged = {
        name: importance(judge.evaluator, subject.real(features[chosen]), truth[chosen], mean=baseline)
        for name, baseline in baselines.items()
    }
    return {
        "k": subject.k,
        "levels": subject.levels,
        "right": {head: values.tolist() for head, values in right.items()},
        "linear": {head: values.tolist() for head, values in linear.items()},
        "skewness": {name: skewness(found, subject.k).tolist() for name, found in judged.items()},
        "violated": {name: violated(found, subject.k).tolist() for name, found in judged.items()},
        "shares": symbols.histograms(subject, features).tolist(),
    }


def sample(array: np.ndarray, count: int) -> np.ndarray:
    """`count` rows, or all if there are fewer: the same ones for every array of this length and every method."""
    return array[np.sort(np.random.default_rng(datasets.SEED).permutation(len(array))[:count])]
