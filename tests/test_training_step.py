"""The benchmark of the training step on networks of test size: the same gradients as the published step, all rows."""

from __future__ import annotations

import numpy as np
import pytest

from agilenn.benchmark.training_step import CLOCKS, STEPS, TOLERANCE, Case, compare, speed
from bench import registry
from bench.errors import BenchError


def test_ours_takes_the_published_step_with_the_same_gradients() -> None:
    rows = {
        metric: value
        for metric, value, _ in speed(Case(side=24, batch=6, reference="resnet8", remote="resnet8", rounds=1))
    }
    assert 0 < rows.pop("gradient_difference") <= TOLERANCE
    costs = {f"{clock}_{name}" for clock in CLOCKS for name in STEPS}
    assert set(rows) == costs | {f"speedup_{clock}_{name}" for clock in CLOCKS for name in STEPS[1:]}
    assert min(rows.values()) > 0


def test_other_gradients_end_the_benchmark() -> None:
    gradients = [np.ones((2, 3)), np.ones(4)]
    assert compare(gradients, gradients) == 0
    with pytest.raises(BenchError, match="different gradients; expected <= 1e-05"):
        compare(gradients, [np.ones((2, 3)), 1.001 * np.ones(4)])


def test_the_benchmark_is_found_by_name() -> None:
    assert callable(registry.benchmark("training_step"))
