"""Trainings that stop in time, go on from a small file, average their weights, and leave logs. Digits, tiny network."""

from __future__ import annotations

import dataclasses
import json
import math
import time
from pathlib import Path

import numpy as np
import pytest
from small_network import SHAPE, network

from bench import datasets
from bench.errors import BenchError, DataError
from bench.method import Request
from bench.training import checkpoint, fit, snapshot
from bench.training.backend import keras, tf
from bench.training.callbacks import Keeper, another_fits
from bench.training.loss import cross_entropy
from bench.training.pipeline import Batches
from bench.training.task import cpu_hours, open_task

EPOCHS = 4
pytestmark = pytest.mark.usefixtures("own_cache")


def train(
    data: datasets.Dataset, path: Path, seed: int = 7, **options: object
) -> tuple[keras.Model, list[dict[str, float]]]:
    path.mkdir(parents=True, exist_ok=True)
    schedule = fit.Schedule(EPOCHS)
    model = network(seed, schedule)
    validation = (data.x_val, data.y_val)
    return model, fit.fit(model, Batches(data, SHAPE, 115, 3), validation, schedule, path, verbose=0, **options)  # type: ignore[arg-type]


def stop_after(epochs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on, time is up after so many epochs."""
    monkeypatch.setattr("bench.training.callbacks.another_fits", lambda history, _: len(history) < epochs)


def accuracy(model: keras.Model, data: datasets.Dataset) -> float:
    return float((fit.predict(model, data.x_val).argmax(1) == data.y_val).mean())


def test_the_slowest_epoch_decides_whether_another_fits() -> None:
    history = [{"seconds": 1.0}, {"seconds": 50.0}, {"seconds": 2.0}]
    assert another_fits(history, math.inf) and another_fits(history, time.monotonic() + 60)
    assert not another_fits(history, time.monotonic() + 40)
    assert another_fits([], time.monotonic() - 1)  # the first one always runs


def test_a_training_without_time_does_one_epoch_and_the_next_run_goes_on(
    digits: datasets.Dataset, tmp_path: Path
) -> None:
    path = tmp_path / "run"
    assert len(train(digits, path, deadline=time.monotonic())[1]) == 1
    assert len(train(digits, path, deadline=time.monotonic())[1]) == 1  # the next one would not fit
    model, history = train(digits, path)
    assert len(history) == EPOCHS and all(epoch["cpu_seconds"] > 0 for epoch in history)
    with pytest.raises(BenchError, match=r"time is up in the first step, epochs 1 of 4; the same command goes on"):
        fit.complete(history[:1], fit.Schedule(EPOCHS), "first step")
    fit.complete(history, fit.Schedule(EPOCHS), "first step")
    assert accuracy(model, digits) == pytest.approx(max(epoch["val_accuracy"] for epoch in history))


def test_the_minutes_of_a_request_become_a_deadline_and_a_record(tmp_path: Path) -> None:
    request = Request("digits", "strong", tmp_path, 0, "quick", False, None, minutes=2.0)
    task = open_task(request)
    assert 60 < task.deadline - time.monotonic() <= 120
    history = [{"val_accuracy": 0.5, "val_loss": 1.25, "seconds": 90.0, "cpu_seconds": 1800.0}] * 2
    record = task.record("edge_only", history, 30)
    assert (record["epochs"], record["epochs_planned"], record["minutes"], record["cpu_hours"]) == (2, 30, 3.0, 1.0)
    assert (record["curve"], record["loss_curve"], record["seconds_curve"]) == ([0.5] * 2, [1.25] * 2, [90.0] * 2)
    assert cpu_hours([{"seconds": 1.0}]) is None
    assert "code" not in task.key("step")  # whoever trains goes on after an update; a figure's cells do not
    assert open_task(dataclasses.replace(request, code="c")).key("step")["code"] == "c"


def test_anyone_goes_on_from_the_small_file(
    digits: datasets.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path, file = checkpoint.folder({"step": "tiny", "rate": 0.1}), tmp_path / "out" / "weights.npz"
    stop_after(2, monkeypatch)
    _, before = train(digits, path, kept=file)
    monkeypatch.undo()
    monkeypatch.setenv("AGILENN_CACHE", str(tmp_path / "elsewhere"))
    with np.load(file, allow_pickle=False) as saved:
        assert {saved[name].dtype for name in saved.files if name != "about"} == {np.dtype(np.float16)}
        assert json.loads(str(saved["about"]))["settings"]["step"] == "tiny"
    path = checkpoint.folder({"step": "tiny", "rate": 0.1})
    assert fit.begun(path, file, fresh=False) == 2 and fit.begun(path, file, fresh=True) == 0
    model, after = train(digits, path, seed=99, kept=file)
    assert after[:2] == before and len(after) == EPOCHS
    assert after[2]["val_accuracy"] > before[0]["val_accuracy"]  # it did not begin anew
    assert int(model.optimizer.iterations.numpy()) == 9 * EPOCHS or checkpoint.Checkpoint(path).best < EPOCHS
    assert "going on after epoch 2" in (error := capsys.readouterr().err) and "new momentum" in error
    # a finished one holds what the model was left with
    again = network(5, fit.Schedule(EPOCHS))
    snapshot.load(file, again)
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)


def test_weights_of_other_settings_or_networks_are_refused(digits: datasets.Dataset, tmp_path: Path) -> None:
    file, other = tmp_path / "weights.npz", checkpoint.folder({"step": "tiny", "preset": "text", "seed": 1})
    train(digits, checkpoint.folder({"step": "tiny", "preset": "audited"}), kept=file)
    with pytest.raises(BenchError, match=r"another training; .*preset=text, seed=1; got preset=audited, .*--fresh"):
        train(digits, other, kept=file)
    assert not checkpoint.Checkpoint(other).epochs
    with pytest.raises(DataError, match="another network"):
        snapshot.load(file, keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]))
    train(digits, other, kept=file, fresh=True)
    assert len(snapshot.history(file, other)) == EPOCHS
    file.write_bytes(file.read_bytes()[:500])
    with pytest.raises(DataError, match=r"damaged weights.*--fresh"):
        fit.begun(tmp_path, file, fresh=False)


def test_too_many_weights_are_not_kept(
    digits: datasets.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(snapshot, "LIMIT", 100)
    (tmp_path / "weights.npz").write_bytes(b"of another training")
    train(digits, tmp_path / "run", kept=tmp_path / "weights.npz", fresh=True)
    assert "weights.npz: not written" in capsys.readouterr().err and not (tmp_path / "weights.npz").exists()


def test_event_files_hold_every_epoch_across_runs(
    digits: datasets.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_after(2, monkeypatch)
    train(digits, tmp_path)
    monkeypatch.undo()
    time.sleep(1.1)  # event files are named by the second
    _, history = train(digits, tmp_path)
    for part, name in (("train", "accuracy"), ("validation", "val_accuracy")):
        found = {}
        for file in sorted((tmp_path / "logs" / part).iterdir()):
            for record in tf.data.TFRecordDataset(str(file)):
                event = tf.compat.v1.Event.FromString(record.numpy())
                for value in event.summary.value:
                    if value.tag == "accuracy":
                        found[event.step] = float(tf.make_ndarray(value.tensor))
        assert found == pytest.approx({i + 1: epoch[name] for i, epoch in enumerate(history)})
    checkpoint.forget(tmp_path)
    assert not list(tmp_path.glob("logs/*/*"))


def test_the_term_that_is_not_finite_is_named(tmp_path: Path) -> None:
    keeper = Keeper(checkpoint.Checkpoint(tmp_path), "val_loss", math.inf)
    logs = {"accuracy": 0.5, "loss": math.nan, "skewness_loss": math.nan, "prediction_loss": 2.0}
    with pytest.raises(BenchError, match=r"epoch 1, batch 3: skewness_loss is not finite; .*no epoch was finished"):
        keeper.on_train_batch_end(2, logs)
    with pytest.raises(BenchError, match=r"validation: loss is not finite"):
        keeper.on_epoch_end(0, {"loss": math.inf})


def test_smoothed_labels_spread_a_part_over_all_classes() -> None:
    logits, labels = np.random.default_rng(0).normal(size=(5, 10)).astype(np.float32), np.arange(5)
    target = 0.9 * np.eye(10)[labels] + 0.01
    expected = keras.losses.categorical_crossentropy(target.astype(np.float32), logits, from_logits=True)
    np.testing.assert_allclose(cross_entropy(labels, logits, 0.1), expected, rtol=1e-5)
    plain = keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)
    np.testing.assert_allclose(cross_entropy(labels, logits), plain, rtol=1e-5)
