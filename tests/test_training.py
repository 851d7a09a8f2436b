"""Data pipeline, resumable fit and TFLite export. One tiny network on digits; TensorFlow starts once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from small_network import SCHEDULE, SHAPE, network

from bench import datasets
from bench.cli import main
from bench.errors import BenchError, CompileError, DataError
from bench.method import Request
from bench.training import checkpoint, export, fit
from bench.training.backend import keras
from bench.training.pipeline import Batches, augment
from bench.training.task import open_task

pytestmark = pytest.mark.usefixtures("own_cache")


def train(model: keras.Model, data: datasets.Dataset, path: Path) -> list[dict[str, float]]:
    path.mkdir(parents=True, exist_ok=True)
    validation = (data.x_val, data.y_val)
    return fit.fit(model, Batches(data, SHAPE, 115, 3), validation, SCHEDULE, path, verbose=0)


def same(one: list[dict[str, float]], other: list[dict[str, float]]) -> None:
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        assert a.keys() == b.keys()
        assert all(a[k] == pytest.approx(b[k], rel=1e-5) for k in a if "seconds" not in k)


def test_batches_depend_on_seed_and_epoch_alone(digits: datasets.Dataset) -> None:
    def first(seed: int, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        return next(iter(Batches(digits, (24, 24, 1), 32, seed).epoch(epoch)))

    images, labels = first(1, 5)
    assert images.dtype == np.float32 and images.shape == (32, 24, 24, 1) and 0 <= images.min() < images.max() <= 1
    assert np.array_equal(images * 255, np.rint(images * 255))
    assert np.array_equal(first(1, 5)[0], images) and np.array_equal(first(1, 5)[1], labels)
    assert not np.array_equal(first(1, 6)[0], images) and not np.array_equal(first(2, 5)[0], images)


@pytest.mark.parametrize("flip", [False, True])
def test_augmented_images_are_windows_of_the_padded_image(flip: bool) -> None:
    images = np.random.default_rng(0).integers(1, 256, (40, 16, 16, 3), np.uint8)
    out = augment(images, np.random.default_rng(1), flip)
    mirrored = 0
    for before, after in zip(images, out, strict=True):
        padded = np.pad(before, ((2, 2), (2, 2), (0, 0)), mode="reflect")
        windows = [padded[r : r + 16, c : c + 16] for r in range(5) for c in range(5)]
        straight = any(np.array_equal(w, after) for w in windows)
        mirrored += not straight
        assert straight or (flip and any(np.array_equal(w[:, ::-1], after) for w in windows))
    assert (mirrored > 5) == flip


def test_a_resumed_training_equals_an_uninterrupted_one(
    digits: datasets.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = network(7)
    expected = train(whole, digits, tmp_path / "whole")
    save = checkpoint.Checkpoint.save

    def stop(self: checkpoint.Checkpoint, *rest: object) -> None:
        save(self, *rest)  # type: ignore[arg-type]
        if self.epochs == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint.Checkpoint, "save", stop)
    with pytest.raises(KeyboardInterrupt):
        train(network(7), digits, tmp_path / "parts")
    monkeypatch.undo()
    assert checkpoint.Checkpoint(tmp_path / "parts").epochs == 2
    resumed = network(99)  # other initial weights: all must come from the checkpoint
    same(train(resumed, digits, tmp_path / "parts"), expected)
    for a, b in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    best = max(e["val_accuracy"] for e in expected)
    assert (fit.predict(resumed, digits.x_val).argmax(1) == digits.y_val).mean() == pytest.approx(best)
    assert len(list((tmp_path / "parts").glob("*.npz"))) <= 2


def test_a_training_that_diverges_stops_and_keeps_the_last_good_epoch(
    digits: datasets.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    poisoned = Batches.epoch

    def epoch(self: Batches, number: int):  # type: ignore[no-untyped-def]
        for images, labels in poisoned(self, number):
            yield (images if number < 1 else images * np.float32(np.nan)), labels

    monkeypatch.setattr(Batches, "epoch", epoch)
    with pytest.raises(BenchError, match=r"diverged in epoch 2, batch 1: .*loss.* is not finite; lower the learning"):
        train(network(1), digits, tmp_path / "run")
    assert checkpoint.Checkpoint(tmp_path / "run").epochs == 1


def test_damaged_checkpoints_are_refused(digits: datasets.Dataset, tmp_path: Path) -> None:
    train(network(1), digits, tmp_path)
    weights = checkpoint.Checkpoint(tmp_path).weights(4)
    weights.write_bytes(weights.read_bytes()[:3000])
    with pytest.raises(DataError, match=r"damaged checkpoint.*--fresh, or delete"):
        train(network(1), digits, tmp_path)
    (tmp_path / "state.json").write_text("{")
    with pytest.raises(DataError, match=r"damaged checkpoint.*--fresh"):
        checkpoint.Checkpoint(tmp_path)
    checkpoint.forget(tmp_path)
    assert checkpoint.Checkpoint(tmp_path).epochs == 0


def test_other_settings_have_another_folder() -> None:
    one = checkpoint.folder({"step": "a", "rate": 0.1})
    assert checkpoint.folder({"rate": 0.1, "step": "a"}) == one
    assert checkpoint.folder({"step": "a", "rate": 0.2}) != one
    assert checkpoint.folder({"step": "b", "rate": 0.1}) != one


def test_exported_files_compute_what_keras_computes(digits: datasets.Dataset, tmp_path: Path) -> None:
    model = network(3)
    train(model, digits, tmp_path / "run")
    device = keras.Model(model.inputs[0], model.layers[2].output)  # up to ReLU6
    export.frame_network(device, digits.x_train[:100], tmp_path / "device.tflite")
    (scale, zero), (out_scale, out_zero) = export.quantization(tmp_path / "device.tflite")
    assert scale == pytest.approx(1 / 255, rel=1e-6) and (zero, out_zero) == (-128, -128)
    got = export.run(tmp_path / "device.tflite", (digits.x_val[:50] ^ 0x80).view(np.int8))
    real = out_scale * (got.astype(np.float32) - out_zero)
    assert np.abs(real - fit.predict(device, digits.x_val[:50])).mean() < out_scale

    tail = keras.Sequential([keras.Input(device.output.shape[1:]), *model.layers[3:]])
    export.chained(tail, real, tmp_path / "device.tflite", tmp_path / "tail.tflite")
    assert export.quantization(tmp_path / "tail.tflite")[0] == pytest.approx((out_scale, out_zero), rel=1e-5)
    right = export.run(tmp_path / "tail.tflite", got).argmax(1) == digits.y_val[:50]
    assert abs(right.mean() - (fit.predict(model, digits.x_val[:50]).argmax(1) == digits.y_val[:50]).mean()) <= 0.08

    export.server(model, SHAPE, tmp_path / "server.tflite")
    runner = export.reference(tmp_path / "server.tflite")
    runner.set_tensor(runner.get_input_details()[0]["index"], digits.x_val[:1].astype(np.float32) / 255)
    runner.invoke()
    logits = runner.get_tensor(runner.get_output_details()[0]["index"])
    np.testing.assert_allclose(logits, fit.predict(model, digits.x_val[:1]), atol=0.05)


def test_dark_images_leave_the_cameras_range(digits: datasets.Dataset, tmp_path: Path) -> None:
    export.frame_network(network(3), digits.x_train[:50] // 2 + 1, tmp_path / "dark.tflite")
    assert export.quantization(tmp_path / "dark.tflite")[0] == pytest.approx((1 / 255, -128), rel=1e-5)


def test_export_refuses_what_the_device_cannot_take(digits: datasets.Dataset, tmp_path: Path) -> None:
    inputs = keras.Input(SHAPE)
    strange = keras.Model(inputs, keras.ops.sigmoid(keras.layers.Conv2D(2, 3)(inputs)))
    with pytest.raises(CompileError, match=r"operators \['LOGISTIC'\]"):
        export.frame_network(strange, digits.x_train[:50], tmp_path / "strange.tflite")
    assert not list(tmp_path.glob("*.tflite"))


def test_train_explains_what_it_cannot_do(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = ["--out", str(tmp_path / "out")]
    for arguments, message in (
        (["--method", "agilenn", "--dataset", "cifar10"], "only 250 sample test images are here"),
        (["--method", "edge_only", "--dataset", "cifar10"], "./reproduce.sh data cifar10"),
        (["--method", "nothing", "--dataset", "digits"], "unknown method 'nothing'"),
        (["--method", "agilenn", "--dataset", "nothing"], "unknown data set 'nothing'"),
        (["--method", "agilenn", "--dataset", "digits", "--seed", "-1"], "--seed"),
    ):
        assert main(["train", *arguments, *out]) == 2
        error = capsys.readouterr().err
        assert error.startswith("error: ") and message in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_task_names_the_frame_and_the_first_stride(tmp_path: Path) -> None:
    for protocol, frame, stride in (("paper", (24, 24, 1), 3), ("strong", (8, 8, 1), 1)):
        task = open_task(Request("digits", protocol, tmp_path, 0, "quick", False, None))
        assert (task.frame, task.stride, task.classes) == (frame, stride, 10)
        assert task.calibration(64)[0].shape == (64, *frame)


def test_tensorflow_starts_without_noise() -> None:
    command = [sys.executable, "-c", "import bench.training.backend"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parent.parent)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
