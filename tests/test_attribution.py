"""Attribution: the completeness axiom, a public library's values, the cached gradient; the losses on importance."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from saliency import core as public

from agilenn import losses
from agilenn.attribution import (
    RULES,
    Attribution,
    attributions,
    explain,
    explain_and_classify,
    importance,
    start_gradients,
)
from bench.errors import BenchError
from bench.training.backend import keras, tf
from bench.training.networks import resnet8

ops = keras.ops
CLASSES, SHAPE = 3, (8, 8, 6)
Batch = tuple[tf.Tensor, tf.Tensor]


@pytest.fixture(scope="module")
def reference() -> keras.Model:
    keras.utils.set_random_seed(5)
    return resnet8(SHAPE, CLASSES, 8)


@pytest.fixture(scope="module")
def batch() -> Batch:
    """More samples than classes, not every class as often."""
    rng = np.random.default_rng(2)
    maps = np.maximum(rng.normal(0.3, 1, (7, *SHAPE)), 0).astype(np.float32)
    return tf.constant(maps), tf.constant([0, 2, 2, 1, 0, 2, 2], tf.int64)


def loss_of(network: keras.Model, maps: tf.Tensor, labels: tf.Tensor) -> np.ndarray:
    logits = network(maps, training=False)
    return keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True).numpy()


@pytest.mark.parametrize("baseline", ["zero", "mean"])
@pytest.mark.parametrize("rule", ["midpoint", "interior", "ends"])
def test_integrated_gradients_add_up_to_the_change_of_the_loss(
    rule: str, baseline: str, reference: keras.Model, batch: Batch
) -> None:
    maps, labels = batch
    start = ops.mean(maps, axis=0, keepdims=True) if baseline == "mean" else 0.0
    change = loss_of(reference, maps, labels) - loss_of(reference, 0 * maps + start, labels)

    def error(points: int) -> float:
        found = attributions(reference, maps, labels, Attribution(rule, points, baseline))[0]
        return np.abs(ops.sum(found, axis=(1, 2, 3)) - change).sum() / np.abs(change).sum()

    assert error(96) < 0.02
    assert error(96) < error(12) < error(2)


def test_paths_of_the_rules() -> None:
    for rule, points, positions, weights in (
        ("midpoint", 2, [0.25, 0.75], [0.5, 0.5]),
        ("interior", 2, [1 / 3, 2 / 3], [0.5, 0.5]),
        ("ends", 2, [0, 1], [0.5, 0.5]),
        ("ends", 3, [0, 0.5, 1], [0.25, 0.5, 0.25]),
        ("saliency", 2, [1], [1]),
    ):
        found = Attribution(rule, points).path()
        np.testing.assert_allclose(found, (positions, weights))


def gradients(network: keras.Model, label: int) -> Callable[..., dict[str, np.ndarray]]:
    """The network's loss as the public library wants it."""

    def call(x: np.ndarray, **_: object) -> dict[str, np.ndarray]:
        x = tf.constant(x, tf.float32)
        with tf.GradientTape() as tape:
            tape.watch(x)
            labels = tf.fill([len(x)], label)
            loss = keras.losses.sparse_categorical_crossentropy(labels, network(x, training=False), True)
        return {public.INPUT_OUTPUT_GRADIENTS: tape.gradient(loss, x).numpy()}

    return call


@pytest.mark.parametrize("baseline", ["zero", "mean"])
def test_a_public_library_finds_the_same(baseline: str, reference: keras.Model, batch: Batch) -> None:
    maps, labels = batch
    start = maps.numpy().mean(0) * (baseline == "mean")

    def theirs(sample: int, points: int) -> np.ndarray:
        call = gradients(reference, int(labels[sample]))
        return public.IntegratedGradients().GetMask(maps[sample].numpy(), call, None, start, points, points)

    def close(ours: tf.Tensor, sample: int, expected: np.ndarray) -> None:
        np.testing.assert_allclose(ours[sample], expected, rtol=1e-3, atol=1e-5 * np.abs(expected).max())

    two, nine = (attributions(reference, maps, labels, Attribution("ends", n, baseline))[0] for n in (2, 9))
    saliency = attributions(reference, maps, labels, Attribution("saliency", baseline=baseline))[0]
    for sample in range(3):
        ends = theirs(sample, 2)
        close(two, sample, ends)
        close(nine, sample, (9 * theirs(sample, 9) - ends) / 8)  # theirs gives both ends a full weight
        call = gradients(reference, int(labels[sample]))
        close(saliency, sample, public.GradientSaliency().GetMask(maps[sample].numpy(), call))


@pytest.mark.parametrize("baseline", ["zero", "mean"])
def test_the_cached_first_gradient_changes_nothing(baseline: str, reference: keras.Model, batch: Batch) -> None:
    maps, labels = batch
    how, mean = Attribution("ends", baseline=baseline, aggregation="element"), ops.mean(maps, axis=0)
    start = mean if baseline == "mean" else ops.zeros_like(mean)
    cached = start_gradients(reference, start, CLASSES)
    assert cached.shape == (CLASSES, *SHAPE)
    found = {
        "per label": explain(reference, maps, labels, how),
        "given": explain_and_classify(reference, maps, labels, how, cached=cached)[0],
        "per sample": ops.concatenate(
            [explain(reference, maps[i : i + 1], labels[i : i + 1], how, mean) for i in range(len(maps))]
        ),
    }
    expected = found.pop("per sample").numpy()
    for name, value in found.items():
        assert np.abs(value - expected).max() <= 1e-5 * np.abs(expected).max(), name


@pytest.mark.parametrize("rule", RULES)
def test_importance_is_a_share_and_the_logits_are_the_networks(rule: str, reference: keras.Model, batch: Batch) -> None:
    per_element = explain(reference, *batch, Attribution(rule, aggregation="element")).numpy()
    per_channel, logits = explain_and_classify(reference, *batch, Attribution(rule))
    np.testing.assert_allclose(logits, reference(batch[0], training=False), rtol=1e-3, atol=1e-5)
    assert per_element.shape == (7, *SHAPE) and (per_element >= 0).all()
    np.testing.assert_allclose(ops.sum(per_channel, axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(per_element.sum((1, 2)), per_channel, rtol=1e-4)
    assert np.isfinite(importance(tf.zeros((2, *SHAPE)), "channel")).all()


@pytest.mark.parametrize("rule", RULES)
def test_first_and_second_order_agree_in_value_and_nearly_in_direction(
    rule: str, reference: keras.Model, batch: Batch
) -> None:
    maps, labels = batch
    found = []
    for second in (False, True):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(maps)
            share = explain(reference, maps, labels, Attribution(rule, second_order=second))
            loss = ops.mean(losses.skewness_loss(share, 2, 0.9))
        weights = tape.gradient(loss, reference.trainable_variables)
        assert all(w is None for w in weights)  # the loss on importance does not train the reference network
        found.append((float(loss), tape.gradient(loss, maps).numpy().ravel()))
    (one, a), (two, b) = found
    assert one == pytest.approx(two, rel=1e-6) and np.linalg.norm(b) > 0
    assert a @ b / np.linalg.norm(a) / np.linalg.norm(b) > (0.999999 if rule == "saliency" else 0.8)


@pytest.mark.parametrize(
    "wrong", [{"rule": "end"}, {"baseline": "one"}, {"aggregation": ""}, {"points": 0}, {"rule": "ends", "points": 1}]
)
def test_unknown_attributions_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(BenchError):
        Attribution(**wrong)  # type: ignore[arg-type]


Values = st.lists(st.floats(0.01, 1), min_size=4, max_size=10)


@given(Values, st.integers(1, 3), st.floats(0.1, 1), st.floats(0, 0.3))
def test_losses_on_importance(values: list[float], k: int, rho: float, margin: float) -> None:
    share = np.array(values) / sum(values)
    rows = tf.constant(np.stack([share, np.sort(share)[::-1]]), tf.float32)
    skew = losses.skewness(rows, k).numpy()
    np.testing.assert_allclose(skew[0], share[:k].sum(), rtol=1e-5)
    np.testing.assert_allclose(losses.skewness_loss(rows, k, rho).numpy(), np.maximum(0, rho - skew), atol=1e-6)
    disorder = losses.disorder_loss(rows, k).numpy()
    assert disorder[1] == 0  # sorted
    np.testing.assert_allclose(disorder[0], max(0, share[k:].max() - share[:k].min()), atol=1e-6)
    wider = losses.disorder_loss(rows, k, margin).numpy()[0]
    np.testing.assert_allclose(wider, max(0, share[k:].max() - share[:k].min() + margin), atol=1e-6)
    descending = losses.descending_loss(rows).numpy()
    np.testing.assert_allclose(descending, [((share - np.sort(share)[::-1]) ** 2).sum(), 0], atol=1e-6)


@given(st.integers(0, 2**32 - 1), st.integers(1, 3))
def test_losses_per_element(seed: int, k: int) -> None:
    raw = np.random.default_rng(seed).random((2, 3, 3, 4)).astype(np.float32)
    elements, channels = importance(raw, "element"), importance(raw, "channel")
    for loss in (lambda i: losses.skewness(i, k), lambda i: losses.skewness_loss(i, k, 0.8), losses.descending_loss):
        np.testing.assert_allclose(loss(elements), loss(channels), atol=1e-6)
    share = raw / raw.sum((1, 2, 3), keepdims=True)
    gap = share[..., k:].max((1, 2, 3)) - share[..., :k].min((1, 2, 3))
    np.testing.assert_allclose(losses.disorder_loss(elements, k), np.maximum(0, gap), atol=1e-6)


def test_mean_where_ignores_the_others_and_survives_none() -> None:
    values = tf.constant([1.0, 2.0, 9.0])
    assert float(losses.mean_where(values, tf.constant([True, True, False]))) == 1.5
    assert float(losses.mean_where(values, tf.constant([False] * 3))) == 0
