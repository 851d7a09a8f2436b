"""DeepCOD: sizes of its encoder, what its loss holds, the way of a code from device to server, firmware, bad input."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_measure import settings as board_settings

from baselines.deepcod import method, networks
from baselines.deepcod.deploy import deploy
from baselines.deepcod.method import HIDDEN, PAPER_MATCHED, RATES, VARIANTS, code_channels, code_shape, settings_for
from baselines.deepcod.model import DeepCODModel
from bench import datasets
from bench.codec import coder
from bench.compile import stages
from bench.compile.lower import compile_net
from bench.errors import BenchError, UnknownName
from bench.measure import measure
from bench.method import Deployment, Request
from bench.server import Remote
from bench.training import export
from bench.training.backend import keras
from bench.training.networks import server_network
from bench.training.task import Task, open_task

MODELS = Path(__file__).parent.parent / "results" / "models" / "deepcod"
SMALL = dataclasses.replace(settings_for("digits", "quick"), epochs=2, widths=(4, 4), width=0.25, stages=2, head=32)


def task_for(out: Path, protocol: str = "paper") -> Task:
    return open_task(Request("digits", protocol, out, 0, "quick", False, None))


@pytest.fixture(scope="module")
def model() -> DeepCODModel:
    """Untrained, for the digits of the paper's protocol."""
    keras.utils.set_random_seed(0)
    teacher, student = (server_network("vgg", (24, 24, 1), 10, 0.125, 0, 0, 3) for _ in range(2))
    made = DeepCODModel(
        networks.encoder((24, 24, 1), 2, 4), networks.decoder((6, 6, 2), 1, (8, 4), (2, 2)), student, teacher, SMALL
    )
    made.compile(keras.optimizers.SGD(0.05), run_eagerly=True)
    return made


@pytest.mark.parametrize(
    ("frame", "step", "shape"), [((96, 96, 3), 4, (24, 24, 4)), ((32, 32, 3), 2, (16, 16, 9))], ids=["paper", "strong"]
)
def test_encoders_have_the_published_cost(
    tmp_path: Path, frame: tuple[int, int, int], step: int, shape: tuple[int, int, int]
) -> None:
    network, file = networks.encoder(frame, shape[2], step), tmp_path / "encoder.tflite"
    images = np.random.default_rng(0).integers(0, 256, (4, *frame)).astype(np.uint8)
    images[0, 0, 0], images[0, 0, 1] = 0, 255
    export.frame_network(network, images, file)
    net = compile_net(file, "n", uint8_input=True)
    assert network.output.shape[1:] == shape and np.prod(shape) == 2304
    assert net.macs == 110_592 and [layer.op for layer in net.layers] == ["CONV_2D"]


def test_channels_are_those_of_the_published_code() -> None:
    found = [code_channels((96, 96, 3), ratio) for ratio in (0.02, 0.05, 0.1, 0.2, 0.4)]
    assert found == [1, 2, 4, 9, 19] and code_channels((96, 96, 1), 0.1) == 1


def test_native_frames_get_as_many_codes(tmp_path: Path) -> None:
    for ratio in (0.1, 0.4):
        paper, strong = (code_shape(task_for(tmp_path, protocol), ratio) for protocol in ("paper", "strong"))
        assert paper[:2] == (6, 6) and strong[:2] == (4, 4)
        assert np.prod(strong) == pytest.approx(np.prod(paper), abs=8)  # half a channel of 4 x 4 codes


@pytest.mark.parametrize(
    ("shape", "steps", "frame"), [((24, 24, 4), (2, 2), (96, 96, 3)), ((16, 16, 9), (1, 2), (32, 32, 3))]
)
def test_decoders_give_frames(shape: tuple[int, ...], steps: tuple[int, int], frame: tuple[int, ...]) -> None:
    network = networks.decoder(shape, 3, (16, 8), steps)
    codes = np.random.default_rng(0).uniform(0, 6, (2, *shape)).astype(np.float32)
    found = network(codes).numpy()
    assert found.shape == (2, *frame) and found.min() >= 0 and found.max() <= 1 and np.ptp(found) > 0.01


def test_attention_looks_at_the_pooled_map(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    monkeypatch.setattr(networks, "Spectral", lambda layer: made.append(layer) or layer)
    keras.utils.set_random_seed(1)
    inputs = keras.Input((8, 8, 4))
    network = keras.Model(inputs, networks.attention(inputs, 2, 2, 3))
    x = np.random.default_rng(0).normal(size=(1, 8, 8, 4)).astype(np.float32)
    np.testing.assert_array_equal(network(x), x)  # gamma starts at zero
    next(weight for weight in network.weights if weight.name == "gamma").assign(0.5)
    query, key, value, out = (layer.kernel.numpy()[0, 0] for layer in made)
    pooled = [(x[0] @ kernel).reshape(4, 2, 4, 2, -1).max(axis=(1, 3)).reshape(16, -1) for kernel in (key, value)]
    scores = np.exp((x[0] @ query).reshape(64, -1) @ pooled[0].T)
    found = (scores / scores.sum(axis=1, keepdims=True)) @ pooled[1] @ out
    np.testing.assert_allclose(network(x)[0], x[0] + 0.5 * found.reshape(8, 8, 4), atol=1e-5)


def test_loss_is_reconstruction_distillation_and_labels(model: DeepCODModel) -> None:
    x, y = np.random.default_rng(0).random((8, 24, 24, 1)).astype(np.float32), np.arange(8)
    out = {name: value.numpy() for name, value in model(x).items()}
    logits, teacher = out["logits"].astype(float), model.teacher(x).numpy()
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    expected = (
        10 * np.mean((2 * out["frame"] - 2 * x) ** 2)
        + np.mean((logits - teacher) ** 2)
        - np.mean(np.log(chances[np.arange(8), y]))
    )
    assert float(model.compute_loss(x, y, model(x), training=False)) == pytest.approx(expected, rel=1e-4)
    assert set(np.unique(out["codes"])) <= set(model.quantizer.centroids.numpy())


def test_training_moves_all_but_the_teacher_and_measures_kernels(model: DeepCODModel) -> None:
    x, y = np.random.default_rng(0).random((16, 24, 24, 1)).astype(np.float32), np.arange(16) % 10
    parts = (model.teacher, model.task, model.encoder, model.decoder)
    before = [part.get_weights() for part in parts]
    model.fit(x, y, epochs=12, verbose=0)
    after = [part.get_weights() for part in parts]
    moved = [any((a != b).any() for a, b in zip(*pair, strict=True)) for pair in zip(before, after, strict=True)]
    assert moved == [False, True, True, True]
    layer = model.encoder.layers[-1]
    kernel = layer.convolution.kernel.numpy().reshape(16, 2)
    assert float(layer.largest) == pytest.approx(np.linalg.norm(kernel, 2), rel=0.05)


@pytest.mark.parametrize(("protocol", "hidden"), [("paper", 3), ("strong", 0)])
def test_a_code_arrives_as_it_was_sent(tmp_path: Path, protocol: str, hidden: int) -> None:
    """Device -> payload -> server: the reconstruction's logits are those of the float network on the same centres."""
    task, classes = task_for(tmp_path, protocol), 10
    shape, step = code_shape(task, 0.2), method.STEP[protocol]
    teacher, student = (server_network("vgg", task.frame, classes, 0.125, 0, 0, task.stride) for _ in range(2))
    decoder = networks.decoder(shape, 1, (8, 4), (step // 2, 2))
    model = DeepCODModel(networks.encoder(task.frame, shape[2], step, hidden), decoder, student, teacher, SMALL)
    model.compile(keras.optimizers.SGD(0.05), run_eagerly=True)
    made = deploy(task, SMALL, (model, {}), "deepcod")
    deployment = Deployment.load(tmp_path)
    assert (deployment.stages, deployment.server) == (made.stages, made.server) and deployment.server is not None
    remote, (frames, _) = Remote(deployment), task.test()
    values = stages.simulate(deployment, frames[0], remote.reply)
    server = deployment.server
    planes = (shape[2], *shape[:2])
    symbols = coder(server.coder, server.tables).decode(values["payload"].tobytes(), server.bits, planes)
    np.testing.assert_array_equal(symbols, values["symbols"].reshape(-1))
    codes = np.array(server.values, np.float32)[symbols].reshape(planes).transpose(1, 2, 0)
    expected = model.task(model.decoder(codes[None]))[0].numpy() / server.logit_scale
    np.testing.assert_allclose(values["remote"], expected, atol=0.02 * np.abs(expected).max())
    assert values["scores"].argmax() == values["remote"].argmax()
    assert deployment.training["validation"]["images"] == 179 and deployment.training["test"]["psnr"] > 0


@pytest.mark.parametrize("protocol", ["paper", "strong"])
def test_firmware_agrees_with_the_twin(protocol: str) -> None:
    """measure() raises where a buffer of the firmware differs from its twin."""
    digits, deployment = datasets.load("digits"), Deployment.load(MODELS / f"digits-{protocol}")
    runs = measure(**board_settings(deployment, digits))["runs"]
    assert len(runs) >= 10 and sum(run["prediction"] == run["label"] for run in runs) >= 0.8 * len(runs)
    assert all(0 < run["payload_up"] < 40 for run in runs)


def test_variants_differ_in_one_choice() -> None:
    whole = dataclasses.asdict(settings_for("cifar10", "quick"))
    for variant in filter(None, VARIANTS):
        other = dataclasses.asdict(settings_for("cifar10", "quick", variant))
        expected = {"hidden": HIDDEN["cifar10"]} if variant == PAPER_MATCHED else {"ratio": RATES[variant]}
        assert {key: value for key, value in other.items() if whole[key] != value} == expected
    assert settings_for("cifar10", "full").widths == (64, 32)
    assert all(0 < settings_for(name, "quick").task_epochs < settings_for(name, "quick").epochs for name in HIDDEN)


def test_the_matched_encoder_is_heavier_and_sends_as_much() -> None:
    light, heavy = networks.encoder((96, 96, 3), 4, 4), networks.encoder((96, 96, 3), 4, 4, HIDDEN["cifar10"])
    assert heavy.output.shape == light.output.shape and heavy.count_params() > 8 * light.count_params()


def test_bad_requests_are_refused(tmp_path: Path) -> None:
    for variant in ("r99", "official", "r"):
        with pytest.raises(UnknownName, match=f"variant '{variant}'; expected one of paper_matched, r02, r05"):
            settings_for("cifar10", "quick", variant)
    with pytest.raises(BenchError, match="stands for the paper's device times; expected --protocol paper; got strong"):
        method.DeepCOD().train(Request("digits", "strong", tmp_path, 0, "quick", False, None, variant=PAPER_MATCHED))
    with pytest.raises(BenchError, match="does not fit the frame; expected sides that are multiples of 4; got 30 x 30"):
        code_shape(dataclasses.replace(task_for(tmp_path), frame=(30, 30, 1)), 0.1)
