"""Quantizers: nearest centroids forward, the soft choice's derivatives backward, and the cells of the device."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agilenn import quantizer
from bench.errors import BenchError, UnknownName
from bench.training.backend import keras, tf
from bench.training.quantizer.soft import soft_to_hard

SHAPE = (8, 6, 6, 5)


def features(seed: int = 0) -> np.ndarray:
    """Like a ReLU6 map: many zeros, some values at the ceiling."""
    rng = np.random.default_rng(seed)
    return np.clip(rng.normal(1, 3, SHAPE), 0, 6).astype(np.float32)


def soft(x: np.ndarray, centroids: np.ndarray, sharpness: float) -> np.ndarray:
    """The soft quantizer in float64, as its definition reads."""
    weights = np.exp(-sharpness * (x.astype(float)[..., None] - centroids) ** 2)
    return (weights * centroids).sum(-1) / weights.sum(-1)


def sharpness_of(kind: str, centroids: np.ndarray) -> float:
    step = (centroids[-1] - centroids[0]) / (len(centroids) - 1)
    return 1.0 if kind == "published" else 0.5 / step**2


def difference(low: np.ndarray, high: np.ndarray, step: float) -> np.ndarray:
    return (high - low) / (2 * step)


@pytest.mark.parametrize("bits", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", ["ema", "published"])
def test_forward_is_nearest_and_backward_is_the_soft_choice(kind: str, bits: int) -> None:
    keras.utils.set_random_seed(3)
    layer, x = quantizer.build(kind, bits), tf.constant(features())
    layer(x)
    if kind == "published":
        layer.places.assign(np.random.default_rng(bits).permutation(np.linspace(-2, 2.5, 2**bits)))
    with tf.GradientTape() as tape:
        tape.watch(x)
        out = layer(x)
    centroids = layer.centroids.numpy().astype(float)
    assert layer.levels == len(centroids) == 2**bits and (np.diff(centroids) > 0).all()
    nearest = centroids[np.abs(x.numpy()[..., None] - centroids).argmin(-1)]
    np.testing.assert_allclose(out.numpy(), nearest, atol=1e-5)
    s, values = sharpness_of(kind, centroids), x.numpy().astype(float)
    expected = difference(soft(values - 1e-5, centroids, s), soft(values + 1e-5, centroids, s), 1e-5)
    np.testing.assert_allclose(tape.gradient(out, x).numpy(), expected, atol=1e-5 * expected.max())


@settings(max_examples=20)
@given(st.lists(st.integers(1, 599), min_size=2, max_size=16, unique=True), st.integers(0, 99))
def test_gradient_of_the_centroids_is_exact(places: list[int], seed: int) -> None:
    centroids, x = np.sort(places) / 100, features(seed)
    upstream = np.random.default_rng(seed).normal(size=SHAPE).astype(np.float32)
    values = tf.constant(centroids, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(values)
        total = tf.reduce_sum(soft_to_hard(tf.constant(x), values, tf.ones(())) * upstream)
    for i, found in enumerate(tape.gradient(total, values).numpy()):
        step = 1e-5 * np.eye(len(centroids))[i]
        terms = upstream * difference(soft(x, centroids - step, 1.0), soft(x, centroids + step, 1.0), 1e-5)
        assert abs(found - terms.sum()) <= 1e-5 * np.abs(terms).sum()  # of both signs: they cancel


JAX = """
import numpy as np, jax
from bench.training.quantizer.soft import soft_to_hard
x, c = np.linspace(0, 6, 97, dtype="float32"), np.array([0.5, 1, 3, 5.5], "float32")
total = lambda x, c, upstream=np.cos(x): (soft_to_hard(x, c, np.float32(1)) * upstream).sum()
print(*np.concatenate([np.asarray(g) for g in jax.jit(jax.grad(total, (0, 1)))(x, c)]))
"""


def test_jax_gives_the_same_gradients() -> None:
    pytest.importorskip("jax")
    environment = {**os.environ, "KERAS_BACKEND": "jax", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", JAX], env=environment, capture_output=True, text=True, check=True)
    x, c = tf.linspace(0.0, 6.0, 97), tf.constant([0.5, 1, 3, 5.5])
    with tf.GradientTape() as tape:
        tape.watch([x, c])
        total = tf.reduce_sum(soft_to_hard(x, c, tf.ones(())) * tf.stop_gradient(tf.cos(x)))
    expected = np.concatenate([g.numpy() for g in tape.gradient(total, [x, c])])
    np.testing.assert_allclose([float(v) for v in done.stdout.split()], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("scale", [0.3, 1.0, 3.0])
def test_all_running_means_stay_alive_on_sparse_features(scale: float) -> None:
    layer, rng = quantizer.build("ema", 3), np.random.default_rng(1)
    step = tf.function(lambda x: layer(x, training=True))
    for _ in range(600):
        x = np.minimum(rng.exponential(scale, (16, 8, 8, 4)), 6) * (rng.random((16, 8, 8, 4)) < 0.4)
        step(tf.constant(x.astype(np.float32)))
    centroids = layer.centroids.numpy()
    used = np.bincount(np.abs(x.ravel()[:, None] - centroids).argmin(1), minlength=8) / x.size
    assert (np.diff(centroids) > 0).all() and centroids[0] < 0.05 * scale + 0.01 and used.min() > 0.001


def test_published_centroids_learn_and_stay_in_range() -> None:
    keras.utils.set_random_seed(0)
    layer, x = quantizer.build("published", 2), tf.constant(features())
    layer(x)
    start = layer.centroids.numpy()
    assert np.ptp(start) < 0.5 and abs(start.mean() - 3) < 0.2  # all near 3, as the scripts start
    optimizer, losses = keras.optimizers.SGD(1.0), []
    for _ in range(60):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((layer(x) - x) ** 2)
        losses.append(float(loss))
        optimizer.apply(tape.gradient(loss, layer.trainable_variables), layer.trainable_variables)
    assert losses[-1] < 0.8 * losses[0]
    assert layer.centroids.numpy().min() > 0 and layer.centroids.numpy().max() < 6


def test_values_that_are_no_numbers_make_no_index_error() -> None:
    layer, x = quantizer.build("published", 3), tf.constant([[[[float("nan"), 1.0]]]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        out = layer(x)
    assert np.isnan(tape.gradient(out, x).numpy()).any()


@given(st.lists(st.integers(0, 600), min_size=2, max_size=16, unique=True))
def test_shares_and_entropy_describe_the_symbols(places: list[int]) -> None:
    centroids, x = (np.sort(places) / 100).astype(np.float32), features()
    found = quantizer.shares(tf.constant(x), tf.constant(centroids)).numpy()
    boundaries = (centroids[:-1] + centroids[1:]) / 2
    symbols = np.searchsorted(boundaries, x[::4], side="left")
    expected = np.bincount(symbols.ravel(), minlength=len(centroids)) / symbols.size
    np.testing.assert_allclose(found, expected, atol=1e-5)
    used = expected[expected > 0]
    assert float(quantizer.entropy(expected)) == pytest.approx(-(used * np.log2(used)).sum(), abs=1e-4)


def test_entropy_of_even_symbols_is_their_bits() -> None:
    for bits in (1, 2, 3, 4):
        assert float(quantizer.entropy(np.full(2**bits, 2.0**-bits))) == pytest.approx(bits)
    assert float(quantizer.entropy(np.array([0.0, 1.0]))) == pytest.approx(0, abs=1e-6)


@given(st.lists(st.floats(0, 6), min_size=2, max_size=16, unique=True), st.floats(0.005, 0.05), st.integers(-128, 0))
def test_table_holds_the_voronoi_cells(centroids: list[float], scale: float, zero: int) -> None:
    found = quantizer.table(np.sort(centroids), scale, zero)
    assert len(found) == 256 and found == sorted(found) and set(found) <= set(range(len(centroids)))
    for q in (-128, -1, 0, 127):
        distance = np.abs(np.sort(centroids) - (q - zero) * scale)
        assert distance[found[q + 128]] == pytest.approx(distance.min(), rel=1e-12, abs=1e-15)


def test_unknown_kinds_and_bits_are_refused() -> None:
    with pytest.raises(UnknownName, match="unknown quantizer 'vq'; expected one of ema, published"):
        quantizer.build("vq", 3)
    for bits in (0, 5):
        with pytest.raises(BenchError, match="bits per symbol; expected 1 to 4"):
            quantizer.build("ema", bits)
