"""Image -> emulated board -> UDP server -> prediction, with the committed deployments for digits; what is refused."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from deployments import early_exit

from bench import cli, datasets, fallback
from bench.accuracy import count_hits, predict
from bench.boards.device import Device
from bench.compile import program, stages
from bench.errors import BoardError, DataError
from bench.link import Link
from bench.measure import measure, record
from bench.method import NO_REPLY, Deployment
from bench.provenance import ROOT, deployment_hash
from bench.server import Remote

CLOCK, BOARD, IMAGES = 216_000_000, "emu://stm32f746", 12


@pytest.fixture(scope="module", params=["agilenn", "edge_only"])
def deployment(request):
    return Deployment.load(ROOT / "results" / "models" / request.param / "digits-paper")


@pytest.mark.parametrize("method", ["agilenn", "edge_only"])
def test_photographs_are_exact_too(method):
    """The embedded CIFAR-10 images: measure() raises where a buffer of the firmware differs from its twin."""
    photographs, model = datasets.load("cifar10"), ROOT / "results" / "models" / method / "cifar10-paper"
    runs = measure(**settings(Deployment.load(model), photographs) | {"dataset": "cifar10", "data_dir": None})["runs"]
    assert sum(run["prediction"] == run["label"] for run in runs) >= IMAGES // 2
    assert all(run["remote_us"] > 0 and run["payload_up"] > 1000 for run in runs)


def settings(deployment, digits):
    return {
        "dataset": "digits", "images": digits.fingerprint, "deployment": deployment_hash(deployment), "n": IMAGES,
        "clock_hz": CLOCK, "board": BOARD, "compiler": "zig", "folder": deployment.folder, "data_dir": None,
        "method": deployment.method,
    }  # fmt: skip


@pytest.fixture(scope="module")
def measured(deployment, digits):
    return measure(**settings(deployment, digits))


def test_every_image_is_classified_as_by_the_python_twin(measured, deployment, digits):
    remote = Remote(deployment, threads=1)
    runs = measured["runs"]
    assert len(runs) == len({run["image"] for run in runs}) == IMAGES
    for run in runs:
        (row,) = np.flatnonzero(digits.rows == run["image"])
        frame = datasets.frames(digits.x_test[row : row + 1], deployment.frame)[0]
        assert run["prediction"] == predict(deployment, frame, remote)
        assert run["label"] == digits.y_test[row]
        assert run["decided"] == "server"
        assert run["payload_down"] == 2 * 10
        assert 0 < run["payload_up"] < 2 * frame.size
        assert 0 < run["remote_us"] < 1e6
    assert sum(run["prediction"] == run["label"] for run in runs) >= IMAGES - 2


def test_a_lost_link_leaves_the_local_answer(digits):
    """What fig_loss counts is what the firmware answers: NO_REPLY in the reply's place, and the Local NN decides."""
    d = Deployment.load(ROOT / "results" / "models" / "agilenn" / "digits-paper")
    silence = np.full(d.classes, NO_REPLY, "<i2").tobytes()
    with Device.open(BOARD, program.build(d, CLOCK)) as device:
        for frame in datasets.frames(digits.x_test[:6], d.frame):
            trace = device.infer(frame.tobytes(), lambda _: silence)
            assert np.array_equal(trace.scores, stages.simulate(d, frame, lambda _: silence)["scores"])
            assert trace.prediction == fallback.answer(d, frame)


def test_cycles_and_bytes_are_the_same_every_time(measured, deployment, digits):
    again = measure(**settings(deployment, digits))
    for first, second in zip(measured["runs"], again["runs"], strict=True):
        assert first | {"remote_us": 0} == second | {"remote_us": 0}


def test_the_firmware_describes_itself(measured):
    info = measured["info"]
    assert info["clock_hz"] == CLOCK
    assert {"build", "compiler", "flags", "stack_high_water", "timing_model", "calibration"} <= set(info)
    assert 0 < info["stack_high_water"] < 8192


def test_a_record_adds_up(measured, deployment):
    run = measured["runs"][0]
    made = record(run, deployment, BOARD, CLOCK, Link(6e6), "id")
    assert made.local_ms + made.compress_ms == pytest.approx(sum(run["cycles"].values()) / CLOCK * 1e3)
    slow = record(run, deployment, BOARD, 64_000_000, Link(6e6), "id")
    for name in ("local_ms", "compress_ms"):
        assert getattr(slow, name) * 64 == pytest.approx(getattr(made, name) * 216) and getattr(made, name) > 0
    assert made.network_ms == Link(6e6).milliseconds(run["payload_up"], 20)
    assert made.total_ms == made.local_ms + made.compress_ms + made.network_ms + made.remote_ms
    assert (made.label_device, made.label_network, made.label_remote) == ("emulated", "modelled", "measured")
    assert record(run, deployment, "/dev/ttyACM0", CLOCK, Link(6e6), "id").label_device == "measured"


@pytest.mark.parametrize("fault", ["payload", "scores", "prediction"])
def test_a_firmware_that_differs_in_one_byte_is_an_error(monkeypatch, deployment, digits, fault):
    infer = Device.infer

    def faulty(self, frame, exchange=None):
        if fault == "payload":
            return infer(self, frame, lambda payload: exchange(payload[:-1] + bytes([payload[-1] ^ 1])))
        trace = infer(self, frame, exchange)
        if fault == "prediction":
            return replace(trace, prediction=(trace.prediction + 1) % 10)
        return replace(trace, values=dict(trace.values) | {"scores": trace.scores + np.eye(10, dtype=np.int32)[3]})

    monkeypatch.setattr(Device, "infer", faulty)
    words = {"payload": "test image|server refused", "scores": "buffer 'scores'", "prediction": "prediction"}[fault]
    with pytest.raises(Exception, match=words) as caught:
        measure(**settings(deployment, digits))
    assert fault == "payload" or isinstance(caught.value, BoardError)
    assert fault == "payload" or "digits" in str(caught.value)


@pytest.mark.parametrize("changed", ["images", "deployment"])
def test_inputs_that_changed_are_refused(deployment, digits, changed):
    for function in (measure, count_hits):
        with pytest.raises(DataError, match=f"its {changed} changed"):
            function(**(settings(deployment, digits) | {changed: "0" * 64}))


def test_accuracy_over_the_test_split(deployment, digits):
    hits, n = count_hits(**settings(deployment, digits))
    assert n == len(digits.y_test) == 539
    assert hits / n > 0.9


def test_accuracy_of_a_program_that_may_end_on_the_device(tmp_path):
    made = early_exit(tmp_path, -128)
    frame = np.random.default_rng(4).integers(0, 256, made.frame, np.uint8)
    assert predict(made, frame, None) == int(np.argmax(stages.simulate(made, frame, None)["scores"]))
    with pytest.raises(DataError, match="receives from a server"):
        predict(early_exit(tmp_path, 128), frame, None)


def test_several_processes_count_the_same(monkeypatch, deployment, digits):
    alone = count_hits(**settings(deployment, digits))
    monkeypatch.setattr("bench.accuracy.ALONE", 100)
    assert count_hits(**settings(deployment, digits)) == alone


@pytest.fixture
def ctrl_c_counts():
    """Processes started meanwhile take SIGINT, even where the tests ignore it, as a job in the background does."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_ends_a_measurement_at_once_and_leaves_nothing_half_written(tmp_path, ctrl_c_counts):
    options = ["fig_latency", "--dataset", "digits", "--method", "agilenn", "--images", "539", "--out", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "bench", *options]
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert "on the board" in process.stderr.readline()
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert errors.startswith("error: stopped by Ctrl-C") and errors.count("\n") == 1
    assert process.returncode in (2, -signal.SIGINT)  # the second where it came in the middle of an import
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_second_run_starts_no_board_and_imports_no_tensorflow(tmp_path):
    options = ["fig_latency", "--dataset", "digits", "--method", "edge_only", "--images", "3", "--out", str(tmp_path)]
    assert cli.main(options) == 0
    first = (tmp_path / "fig_latency.csv").read_bytes()
    code = (
        f"import sys; from bench.cli import main; assert main({options!r}) == 0; print(*sys.modules, file=sys.stderr)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert not {*result.stderr.split()} & {"tensorflow", "keras", "unicorn", "ziglang"}
    assert (tmp_path / "fig_latency.csv").read_bytes() == first
