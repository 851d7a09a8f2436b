"""Intervals: published values, determinism, coverage."""

import numpy as np
import pytest

from bench import stats


def test_wilson_by_hand():
    low, high = stats.proportion(8, 10)  # p = .8, z = 1.96: (p + z2/2n +- z sqrt(pq/n + z2/4n2)) / (1 + z2/n)
    assert (low, high) == (pytest.approx(0.4901625, abs=1e-6), pytest.approx(0.9433178, abs=1e-6))


def test_wilson_at_the_ends_stays_inside():
    assert stats.proportion(0, 20)[0] == 0
    assert stats.proportion(20, 20)[1] == 1
    assert stats.proportion(20, 20)[0] < 1


def test_bootstrap_is_the_same_every_time_and_holds_the_mean():
    sample = np.random.default_rng(1).normal(5, 2, 200)
    first = stats.interval([sample])
    assert first == stats.interval([sample])
    assert first[0] < sample.mean() < first[1]
    assert first[1] - first[0] == pytest.approx(2 * 1.96 * 2 / np.sqrt(200), rel=0.2)


def test_bootstrap_of_a_constant_or_of_one_image():
    assert stats.interval([np.full(10, 3.5)]) == (3.5, 3.5)
    assert stats.interval([np.array([3.5])]) == (None, None)


def test_paired_samples_keep_their_images_together():
    first = np.random.default_rng(1).normal(0, 1, 100)
    low, high = stats.interval([first, -first], lambda a, b, axis: np.mean(a + b, axis=axis))
    assert (low, high) == (0, 0)
