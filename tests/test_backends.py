"""The same model trains on TensorFlow and on JAX: one step from the same weights gives the same loss and gradients."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from one_step import CASES, build, step, weights

from bench import datasets
from bench.training.backend import keras

ROOT = Path(__file__).parent.parent
JAX = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)}


def test_tensorflow_and_jax_give_the_same_loss_and_gradients(tmp_path: Path) -> None:
    assert keras.backend.backend() == "tensorflow"
    keras.utils.set_random_seed(3)
    data = datasets.load("digits")
    x, y = data.x_train[:24].astype(np.float32) / 255, data.y_train[:24]
    models = {case: build(settings) for case, settings in CASES.items()}
    before = {name: value for case, model in models.items() for name, value in weights(model, case).items()}
    np.savez(tmp_path / "in.npz", x=x, y=y, **before)
    command = [sys.executable, str(ROOT / "tests" / "one_step.py"), tmp_path / "in.npz", tmp_path / "out.npz"]
    done = subprocess.run(command, env={**os.environ, **JAX}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    theirs = dict(np.load(tmp_path / "out.npz"))
    assert theirs["backend"] == "jax"

    for case, model in models.items():
        for name, value in step(model, x, y).items():
            assert theirs[f"{case} {name}"] == pytest.approx(value, rel=1e-4, abs=1e-5), (case, name)
        ours = weights(model, case)
        gradients = (np.concatenate([(before[n] - found[n]).ravel() for n in ours]) for found in (ours, theirs))
        one, other = gradients
        assert np.linalg.norm(one - other) <= 1e-3 * np.linalg.norm(one), case
