"""Does attribution find what a network uses? Masking by rank, and rules against IG-64: the cell of fig_attribution."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bench import datasets
from bench.audit import regular
from bench.audit.audit import sample
from bench.audit.importance import POINTS, importance
from bench.audit.judge import BATCH
from bench.errors import DataError

REFERENCE = f"midpoint-{POINTS}"
RULES = ("saliency-1", "ends-2", "ends-4", *(f"midpoint-{n}" for n in (1, 2, 4, 8, 16)), REFERENCE)  # name-points
MASKED = ("saliency-1", "ends-2", REFERENCE)  # rules whose top channels are masked
DRAWS = 5  # random orders
TOP = 5  # channels whose agreement is counted: the paper's k


def masking(*, dataset: str, images: str, data_dir: Path | None, n: int, **_settings: object) -> dict[str, Any]:
    """right[order][k]: which images are classified rightly with k channels at zero; agreement[rule]: with IG-64.

    Importance is that for the class which the network predicts, so no label is known to it. images: fingerprint.
    """
    data = datasets.load(dataset, data_dir)
    if data.fingerprint != images:
        raise DataError(f"{dataset}: its images changed during the run", expected=images, got=data.fingerprint)
    stem, rest = regular.train(data)
    features, labels = regular.features(stem, sample(data.x_test, n)), sample(data.y_test, n)
    predicted = classes(rest, features)
    rules = {name: name.split("-") for name in RULES}
    found = {name: importance(rest, features, predicted, rule, int(points)) for name, (rule, points) in rules.items()}
    rng = np.random.default_rng(datasets.SEED)
    orders = {name: np.argsort(-found[name], axis=1, kind="stable") for name in MASKED}
    orders |= {"bottom": orders[REFERENCE][:, ::-1]}
    plain = np.tile(np.arange(features.shape[3]), (len(features), 1))
    orders |= {f"random-{i}": rng.permuted(plain, axis=1) for i in range(DRAWS)}
    return {
        "right": {name: after_masking(rest, features, labels, order) for name, order in orders.items()},
        "agreement": {name: agreement(values, found[REFERENCE]) for name, values in found.items() if name != REFERENCE},
    }


def classes(network: Any, features: np.ndarray) -> np.ndarray:
    return np.asarray(network.predict(features, batch_size=BATCH, verbose=0).argmax(axis=1))


def after_masking(network: Any, features: np.ndarray, labels: np.ndarray, order: np.ndarray) -> list[list[bool]]:
    """[k][image]: right with the first k channels of the image's own order (N, C) set to zero, k = 0 .. C - 1."""
    rank = np.argsort(order, axis=1)
    return [
        (classes(network, features * (rank >= k)[:, None, None, :]) == labels).tolist() for k in range(order.shape[1])
    ]


def agreement(found: np.ndarray, reference: np.ndarray) -> Mapping[str, list[float]]:
    """Per image, over the channels: Spearman's and Kendall's coefficients, percent of the top five in common."""
    from scipy.stats import kendalltau, spearmanr

    top, wanted = (np.argsort(-values, axis=1, kind="stable")[:, :TOP] for values in (found, reference))
    return {
        "spearman": [float(spearmanr(a, b).statistic) for a, b in zip(found, reference, strict=True)],
        "kendall": [float(kendalltau(a, b).statistic) for a, b in zip(found, reference, strict=True)],
        "top5_overlap": [100 * len(set(a) & set(b)) / TOP for a, b in zip(top.tolist(), wanted.tolist(), strict=True)],
    }
