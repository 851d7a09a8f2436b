"""The same model trains on TensorFlow and on JAX: the same loss and gradients; one goes on where the other stopped."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from one_step import CASES, build, step, weights
from small_network import SCHEDULE, SHAPE, network

from bench import datasets
from bench.training import fit
from bench.training.backend import keras
from bench.training.checkpoint import Checkpoint
from bench.training.pipeline import Batches

ROOT = Path(__file__).parent.parent
JAX = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
FIRST_EPOCH = """
import sys
from pathlib import Path
from small_network import SCHEDULE, SHAPE, network
from bench import datasets
from bench.training import export, fit
from bench.training.pipeline import Batches
data, model, path = datasets.load("digits"), network(7), Path(sys.argv[1])
validation = data.x_val, data.y_val
fit.fit(model, Batches(data, SHAPE, 115, 3), validation, SCHEDULE, path, verbose=0, deadline=0)
export.server(model, SHAPE, path / "server.tflite")
"""


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


def test_tensorflow_goes_on_where_jax_stopped_and_alone_makes_files(tmp_path: Path) -> None:
    command = [sys.executable, "-c", FIRST_EPOCH, tmp_path]
    done = subprocess.run(command, env={**os.environ, **JAX}, capture_output=True, text=True)
    assert "expected KERAS_BACKEND=tensorflow; got jax; what was trained is kept" in done.stderr
    data, model = datasets.load("digits"), network(99)
    (first,) = (checkpoint := Checkpoint(tmp_path)).history
    checkpoint.load(model, 1)
    right = fit.predict(model, data.x_val).argmax(1) == data.y_val
    assert right.mean() == pytest.approx(first["val_accuracy"])
    validation = data.x_val, data.y_val
    history = fit.fit(network(99), Batches(data, SHAPE, 115, 3), validation, SCHEDULE, tmp_path, verbose=0)
    assert len(history) == SCHEDULE.epochs and history[0] == first
