"""Channel selection and mapping: what moves channels about leaves what the networks compute as it was."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agilenn import mapping, networks, references, selection, training
from agilenn.config import Settings
from bench.errors import BenchError
from bench.training.backend import keras

FRAME = (24, 24, 1)
CHOSEN = np.array([3, 0, 5, 1, 4, 2])


def trained_like(kind: str) -> keras.Model:
    """An extractor of 6 channels whose batch norms have statistics, as after a training."""
    keras.utils.set_random_seed(3)
    extractor = networks.extractor(FRAME, 6, 3, kind)
    rng = np.random.default_rng(4)
    for layer in extractor.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
    return extractor


def frames() -> np.ndarray:
    return np.random.default_rng(1).random((5, *FRAME)).astype(np.float32)


@given(st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_frequencies_count_the_samples_that_have_a_channel_on_top(k: int, seed: int) -> None:
    importance = np.random.default_rng(seed).permuted(np.tile(np.arange(6.0), (40, 1)), axis=1)
    counted = [sum(c in sorted(range(6), key=lambda i: -row[i])[:k] for row in importance) / 40 for c in range(6)]
    np.testing.assert_allclose(selection.frequencies(importance, k), counted)
    order = selection.order(importance, k)
    assert sorted(order) == list(range(6)) and (np.diff(np.array(counted)[order]) <= 0).all()


@pytest.mark.parametrize("kind", ["separable", "standard"])
def test_permuted_features_are_the_same_channels_and_the_reference_sees_no_difference(kind: str) -> None:
    extractor = trained_like(kind)
    before = extractor(frames()).numpy()
    reference = references.build("resnet8", before.shape[1:], 4, 8)
    logits = reference(before).numpy()
    selection.permute(extractor, CHOSEN)
    after = extractor(frames()).numpy()
    np.testing.assert_allclose(after, before[..., CHOSEN], rtol=1e-5, atol=1e-6)
    assert np.ptp(before.mean((0, 1, 2))) > 0.01  # channels differ, so a wrong order would be seen
    np.testing.assert_allclose(selection.ordered(reference, CHOSEN)(after).numpy(), logits, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", ["separable", "standard"])
def test_a_folded_mapping_computes_what_the_mapping_did(kind: str) -> None:
    extractor = trained_like(kind)
    mapped = mapping.insert(extractor)
    before = extractor(frames()).numpy()
    np.testing.assert_allclose(mapped(frames()).numpy(), before, rtol=1e-6)  # it starts as the identity
    kernel = mapped.get_layer(mapping.NAME).kernel
    kernel.assign(kernel.numpy() + np.random.default_rng(2).normal(0, 0.5, kernel.shape))
    unfolded = mapped(frames()).numpy()
    assert np.abs(unfolded - before).max() > 0.1
    size = extractor.count_params()
    mapping.fold(extractor, mapped)
    np.testing.assert_allclose(extractor(frames()).numpy(), unfolded, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(mapped(frames()).numpy(), unfolded, rtol=1e-4, atol=1e-5)
    assert extractor.count_params() == size and mapping.NAME not in [layer.name for layer in extractor.layers]


def test_nothing_is_selected_by_a_reference_network_that_gets_nothing_right() -> None:
    extractor = trained_like("separable")
    reference = references.build("resnet8", extractor.output.shape[1:], 4, 8)
    kernel, _ = reference.layers[-1].get_weights()
    reference.layers[-1].set_weights([0 * kernel, np.eye(4)[0]])  # class 0, whatever it sees
    task: Any = SimpleNamespace(calibration=lambda count: (np.zeros((6, *FRAME), np.uint8), np.ones(6, np.int64)))
    with pytest.raises(BenchError, match="classifies none of 6 training images rightly; train it for more epochs"):
        training.importance(task, Settings(channels=6, k=2), extractor, reference)
