"""The loss that trains everything together: its terms and weights written out, and which samples importance counts."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from one_step import CLASSES, TINY, build

from agilenn.attribution import Attribution, explain
from agilenn.config import Settings
from agilenn.model import AgileModel
from bench.training.backend import keras

JOINT = dataclasses.replace(
    TINY, rho=0.9, lam=0.3, skewness_weight=2.0, order_weight=4.0, margin=0.02, local_weight=0.5, second_order=False
)
FRAMES = np.random.default_rng(0).random((12, 8, 8, 1)).astype(np.float32)


def built(settings: Settings) -> tuple[AgileModel, np.ndarray]:
    """A model, and labels of which its reference network gets every other one right."""
    keras.utils.set_random_seed(2)
    model = build(settings)
    said = model.reference(model(FRAMES)["features"]).numpy().argmax(axis=1)
    return model, (said + np.arange(len(FRAMES)) % 2) % CLASSES


def loss(model: AgileModel, labels: np.ndarray) -> float:
    return float(model.compute_loss(FRAMES, labels, model(FRAMES), training=True))


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(labels)), labels]


def skew(model: AgileModel, labels: np.ndarray) -> np.ndarray:
    """(N,): both losses on importance with their weights, as Eq 1 and 2 read."""
    s = model.settings
    share = explain(model.reference, model(FRAMES)["features"], labels, Attribution(s.rule, s.points)).numpy()
    first, others = share[:, : s.k], share[:, s.k :]
    disorder = np.maximum(0, others.max(axis=1) - first.min(axis=1) + s.margin)
    return s.skewness_weight * np.maximum(0, s.rho - first.sum(axis=1)) + s.order_weight * disorder


@pytest.mark.parametrize("gate", [True, False])
def test_the_joint_loss_is_its_terms_weighted_by_lambda(gate: bool) -> None:
    model, labels = built(dataclasses.replace(JOINT, gate=gate))
    said = {name: value.numpy() for name, value in model(FRAMES).items()}
    alpha = float(model.combine.alpha())
    np.testing.assert_allclose(said["logits"], alpha * said["local"] + (1 - alpha) * said["remote"], rtol=1e-5)
    prediction = cross_entropy(said["logits"], labels).mean() + 0.5 * cross_entropy(said["local"], labels).mean()
    counted = slice(0, None, 2) if gate else slice(None)  # what the reference network gets right, or all
    assert np.ptp(skew(model, labels)) > 0.01  # samples differ, so a wrong choice would be seen
    assert loss(model, labels) == pytest.approx(0.3 * prediction + 0.7 * skew(model, labels)[counted].mean(), rel=1e-4)


def test_where_the_reference_network_gets_nothing_right_importance_says_nothing() -> None:
    model, labels = built(JOINT)
    wrong = (labels + 1 - np.arange(len(labels)) % 2) % CLASSES  # each one beside what it says
    prediction_alone = dataclasses.replace(JOINT, skewness_weight=0.0, order="none")
    assert loss(model, wrong) == pytest.approx(loss(_like(model, prediction_alone), wrong), rel=1e-6)
    assert loss(model, labels) > loss(_like(model, prediction_alone), labels) + 0.01


def _like(model: AgileModel, settings: Settings) -> AgileModel:
    """A model of the same weights under other settings."""
    other = build(settings)
    other.set_weights(model.get_weights())
    return other
