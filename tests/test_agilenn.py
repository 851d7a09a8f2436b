"""The method's parts: attribution, losses, quantizer, combination; one tiny training from images to a deployment."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agilenn import losses, method, networks, quantizer
from agilenn.attribution import channel_importance, explain, frozen, integrated_gradients
from agilenn.combine import logit_shift, q15
from agilenn.config import Settings, settings_for
from bench.errors import BenchError
from bench.method import Deployment, Request
from bench.training import export
from bench.training.backend import keras, tf

ops = keras.ops
MODELS = Path(__file__).parent.parent / "results" / "models" / "agilenn"


@pytest.fixture(scope="module")
def reference() -> keras.Model:
    keras.utils.set_random_seed(5)
    return networks.reference((8, 8, 6), 10, Settings(reference_width=8))


@pytest.fixture(scope="module")
def features() -> tuple[tf.Tensor, tf.Tensor]:
    rng = np.random.default_rng(2)
    maps = np.maximum(rng.normal(0.3, 1, (4, 8, 8, 6)), 0).astype(np.float32)
    return tf.constant(maps), tf.constant(rng.integers(0, 10, 4))


def test_integrated_gradients_add_up_to_the_change_of_the_loss(reference, features) -> None:  # type: ignore[no-untyped-def]
    maps, labels = features

    def loss(x, copies):  # type: ignore[no-untyped-def]
        target = ops.tile(labels, [copies])
        return ops.sum(keras.losses.sparse_categorical_crossentropy(target, frozen(reference)(x), from_logits=True))

    def error(count: int) -> float:
        points = [(i + 0.5) / count for i in range(count)]
        total = float(ops.sum(integrated_gradients(loss, maps, points)))
        change = float(loss(maps, 1) - loss(0 * maps, 1))
        return abs(total - change) / abs(change)

    assert error(64) < 0.01
    assert error(64) < error(1)


def test_importance_is_a_share_per_channel(reference, features) -> None:  # type: ignore[no-untyped-def]
    importance = explain(reference, *features, points=(0.25, 0.75)).numpy()
    assert importance.shape == (4, 6) and (importance >= 0).all()
    np.testing.assert_allclose(importance.sum(1), 1, rtol=1e-5)
    dead = channel_importance(tf.zeros((2, 8, 8, 6))).numpy()
    assert np.isfinite(dead).all()


def test_first_and_second_order_agree_in_value_and_nearly_in_direction(reference, features) -> None:  # type: ignore[no-untyped-def]
    maps, labels = features
    found = []
    for second in (False, True):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(maps)
            importance = explain(reference, maps, labels, (0.25, 0.75), second)
            loss = ops.mean(losses.skewness_loss(importance, 2, 0.9))
        gradient = tape.gradient(loss, maps).numpy().ravel()
        weights = tape.gradient(loss, reference.trainable_variables)
        assert all(w is None for w in weights)  # the reference network is not trained by the loss on importance
        found.append((float(loss), gradient))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-6)
    a, b = found[0][1], found[1][1]
    assert a @ b / np.linalg.norm(a) / np.linalg.norm(b) > 0.9


@given(st.lists(st.floats(0.01, 1), min_size=4, max_size=10), st.integers(1, 3), st.floats(0.1, 1))
def test_losses_on_importance(values: list[float], k: int, rho: float) -> None:
    share = np.array(values) / sum(values)
    rows = tf.constant(np.stack([share, np.sort(share)[::-1]]), tf.float32)
    skew = losses.skewness(rows, k).numpy()
    np.testing.assert_allclose(skew[0], share[:k].sum(), rtol=1e-5)
    np.testing.assert_allclose(losses.skewness_loss(rows, k, rho).numpy(), np.maximum(0, rho - skew), atol=1e-6)
    disorder = losses.disorder_loss(rows, k).numpy()
    assert disorder[1] == 0  # sorted
    np.testing.assert_allclose(disorder[0], max(0, share[k:].max() - share[:k].min()), atol=1e-6)


def test_mean_where_ignores_the_others_and_survives_none() -> None:
    values = tf.constant([1.0, 2.0, 9.0])
    assert float(losses.mean_where(values, tf.constant([True, True, False]))) == 1.5
    assert float(losses.mean_where(values, tf.constant([False] * 3))) == 0


def test_quantizer_gives_the_nearest_centroid_and_the_soft_derivative() -> None:
    layer = quantizer.Quantizer(3)
    x = tf.constant(np.random.default_rng(0).uniform(0, 6, (8, 4, 4, 5)).astype(np.float32))
    layer(x)
    centroids = layer.centroids.numpy()
    with tf.GradientTape() as tape:
        tape.watch(x)
        out = layer(x)
    nearest = centroids[np.abs(x.numpy()[..., None] - centroids).argmin(-1)]
    np.testing.assert_allclose(out.numpy(), nearest, atol=1e-5)

    def soft(values: np.ndarray) -> np.ndarray:
        sharp = 0.5 / ((centroids[-1] - centroids[0]) / 7) ** 2
        weights = np.exp(-sharp * (values[..., None] - centroids) ** 2)
        return (weights * centroids).sum(-1) / weights.sum(-1)

    values = x.numpy().astype(float)
    expected = (soft(values + 1e-4) - soft(values - 1e-4)) / 2e-4
    np.testing.assert_allclose(tape.gradient(out, x).numpy(), expected, atol=0.02)


@pytest.mark.parametrize("scale", [0.3, 1.0, 3.0])
def test_all_centroids_stay_alive_on_sparse_features(scale: float) -> None:
    layer, rng = quantizer.Quantizer(3), np.random.default_rng(1)
    step = tf.function(lambda x: layer(x, training=True))
    for _ in range(600):
        x = np.minimum(rng.exponential(scale, (16, 8, 8, 4)), 6) * (rng.random((16, 8, 8, 4)) < 0.4)
        step(tf.constant(x.astype(np.float32)))
    centroids = layer.centroids.numpy()
    used = np.bincount(np.abs(x.ravel()[:, None] - centroids).argmin(1), minlength=8) / x.size
    assert (np.diff(centroids) > 0).all() and centroids[0] < 0.05 * scale + 0.01 and used.min() > 0.001


@given(st.lists(st.floats(0, 6), min_size=2, max_size=16, unique=True), st.floats(0.005, 0.05), st.integers(-128, 0))
def test_table_holds_the_voronoi_cells(centroids: list[float], scale: float, zero: int) -> None:
    found = quantizer.table(np.sort(centroids), scale, zero)
    assert len(found) == 256 and found == sorted(found) and set(found) <= set(range(len(centroids)))
    for q in (-128, -1, 0, 127):
        distance = np.abs(np.sort(centroids) - (q - zero) * scale)
        assert distance[found[q + 128]] == pytest.approx(distance.min(), rel=1e-12, abs=1e-15)


@given(st.floats(0, 1), st.floats(0.001, 1), st.floats(0.1, 1000))
def test_integer_combination_fits(alpha: float, scale: float, largest: float) -> None:
    weights = q15(alpha)
    assert sum(weights) == 32768 and min(weights) >= 0 and abs(weights[0] / 32768 - alpha) < 1e-4
    shift = logit_shift(scale, largest)
    assert 0 <= shift <= 7 and 255 << shift <= 32767
    assert shift == 0 or 2 * largest / (scale / 2**shift) <= 32767


def test_settings_refuse_what_makes_no_sense() -> None:
    for wrong in ({"k": 0}, {"k": 24}, {"rho": 0.0}, {"rho": 1.2}, {"bits": 5}, {"lam": 0}, {"roh": 0.8}):
        with pytest.raises(BenchError):
            Settings.of(wrong)
    assert settings_for("digits", "quick").k == 5 and settings_for("cifar10", "full").epochs == 200


def test_extractor_costs_what_the_published_one_costs() -> None:
    model = networks.extractor((96, 96, 3), 24, 3)
    macs = 0
    for layer in model.layers:
        if isinstance(layer, keras.layers.DepthwiseConv2D):
            macs += int(np.prod(layer.output.shape[1:])) * 9
        elif isinstance(layer, keras.layers.Conv2D):
            macs += int(np.prod(layer.output.shape[1:])) * layer.kernel.shape[2]
    assert macs == 175_104 and model.output.shape[1:] == (32, 32, 24)


def test_a_tiny_training_ends_in_a_sound_deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGILENN_CACHE", str(tmp_path / "cache"))
    tiny = Settings(reference_width=8, remote_width=0.5, remote_stages=2, remote_head=32, reference_epochs=1, epochs=1)
    monkeypatch.setattr(method, "settings_for", lambda *_: tiny)
    request = Request("digits", "strong", tmp_path / "out", 0, "quick", False, None)
    made = method.AgileNN().train(request)
    deployment = Deployment.load(tmp_path / "out")
    assert deployment.stages == made.stages and deployment.server == made.server
    assert deployment.training["settings"]["k"] == 5 and 0 <= deployment.training["validation"]["skewness"] <= 100
    assert deployment.server is not None and deployment.server.shape == (8, 8, 19)
    assert len(deployment.server.values) == 8
    sound(deployment)


@pytest.mark.parametrize("file", sorted(MODELS.glob("*/deployment.json")), ids=lambda path: path.parent.name)
def test_committed_deployments_are_sound(file: Path) -> None:
    sound(Deployment.load(file.parent))


def sound(deployment: Deployment) -> None:
    """The integers that join the files: input scale, the chain extractor -> Local NN, and the logits' common scale."""
    stages = {s.op: s.params for s in deployment.stages}
    (scale, zero), features = export.quantization(deployment.folder / "extractor.tflite")
    local_in, local_out = export.quantization(deployment.folder / "local.tflite")
    assert (scale, zero) == (pytest.approx(1 / 255, rel=1e-5), -128)
    assert local_in == (pytest.approx(features[0], rel=1e-5), features[1])
    assert deployment.server is not None
    assert stages["quantize"]["table"] == quantizer.table(np.array(deployment.server.values), *features)
    shift = stages["combine"]["shifts"][0]  # type: ignore[index]
    assert deployment.server.logit_scale == pytest.approx(local_out[0] / 2**shift)
    assert stages["combine"]["zeros"] == [local_out[1], 0] and sum(stages["combine"]["weights"]) == 32768  # type: ignore[arg-type]
