"""MCUNet: its networks against the published figures, its training on a toy network, its deployment on the board."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from baselines.mcunet import choose
from baselines.mcunet.method import MCUNet, find
from bench import datasets
from bench.errors import DataError, UnknownName
from bench.link import Link
from bench.measure import measure, record
from bench.method import Deployment, Request
from bench.provenance import ROOT, deployment_hash
from bench.training import budget
from bench.training.mcunet import NETS, Net

CLOCK, BOARD, IMAGES = 216_000_000, "emu://stm32f746", 50
TOY = Net(16, 8, "1,8,1,3 2,16,2,5 2,16,1,3", 0, 0, head=32)


@pytest.mark.parametrize("name", NETS)
def test_macs_and_parameters_are_the_published_ones(name):
    from baselines.mcunet.network import build
    from bench.training.backend import keras

    model = build(find(name), 3, 1000)
    kinds = keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.Dense
    macs = sum(
        int(np.prod(layer.kernel.shape)) * int(np.prod(layer.output.shape[1:-1], dtype=int))
        for layer in model.layers
        if isinstance(layer, kinds)
    )
    parameters = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    net = NETS[name]
    assert (round(macs / 1e6, 1), round(parameters / 1e6, 2)) == (net.macs, net.parameters)


def test_an_unknown_network_is_refused_before_any_image_is_read(tmp_path):
    with pytest.raises(UnknownName, match="in0, in1, in2, in3, mbv2"):
        MCUNet().train(Request("no_such_set", "paper", tmp_path, 0, "quick", False, None, variant="in9"))


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """A tiny network, trained on digits for a few epochs."""
    folder = tmp_path_factory.mktemp("mcunet")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AGILENN_CACHE", str(folder / "cache"))
        patch.setitem(NETS, "toy", TOY)
        patch.setattr(budget, "plan", lambda dataset, name: budget.Plan(8, 64, 0.1))
        request = Request("digits", "strong", folder / "out", 0, "quick", False, None, variant="toy")
        return MCUNet().train(request)


def test_training_gives_a_network_that_needs_no_server(toy):
    saved = Deployment.load(toy.folder)
    assert (saved.method, saved.protocol, saved.frame, saved.server) == ("mcunet:toy", "strong", (16, 16, 1), None)
    assert [stage.op for stage in saved.stages] == ["net", "combine"]
    training = json.loads((toy.folder / "deployment.json").read_text())["training"]
    assert training["epochs"] == 8
    assert training["validation"]["accuracy"] > 80


@pytest.fixture(scope="module")
def committed():
    return Deployment.load(ROOT / "results" / "models" / "mcunet" / "digits-paper")


@pytest.mark.parametrize("which", ["toy", "committed"])
def test_int8_is_within_two_points_of_float32(which, request):
    both = request.getfixturevalue(which).training["quantization"]
    assert abs(both["int8"] - both["float32"]) <= 2
    assert both["images"] >= 150


def test_the_committed_network_is_the_default_one(committed):
    net = find("")
    assert committed.frame == (net.side, net.side, 1)
    assert committed.method == "mcunet"


@pytest.fixture(scope="module")
def runs(committed):
    """measure() raises where a buffer of the firmware differs from the int8 interpreter's."""
    digits = datasets.load("digits")
    return measure(
        dataset="digits", images=digits.fingerprint, deployment=deployment_hash(committed), n=IMAGES, clock_hz=CLOCK,
        board=BOARD, compiler="zig", folder=committed.folder, data_dir=None,
    )["runs"]  # fmt: skip


def test_the_device_decides_alone(runs, committed):
    assert len(runs) == IMAGES
    for run in runs:
        found = record(run, committed, BOARD, CLOCK, Link(6e6), "test")
        assert (found.decided, found.payload_up, found.payload_down) == ("device", 0, 0)
        assert (found.network_ms, found.remote_ms, found.compress_ms) == (0, 0, 0)
        assert found.total_ms == found.local_ms > 10
    assert sum(run["prediction"] == run["label"] for run in runs) >= 0.9 * IMAGES


def test_the_time_does_not_depend_on_the_image(runs):
    cycles = np.array([run["cycles"]["net:logits"] for run in runs[1:]])
    assert np.ptp(cycles) < 0.01 * cycles.mean()


def test_the_smallest_network_that_is_good_enough_is_chosen():
    assert choose.smallest({"in0": 75.0, "in1": 90.0}, 85.0) == "in0"
    assert choose.smallest({"in0": 74.9, "in1": 75.0}, 85.0) == "in1"
    assert choose.smallest(dict.fromkeys(NETS, 70.0), 85.0) is None
    with pytest.raises(DataError, match="mcunet:in1 is not trained"):
        choose.smallest({"in0": 70.0}, 85.0)


def test_choose_reads_deployments(toy, tmp_path, capsys):
    for method, accuracy in (("agilenn", 88.0), ("mcunet", 70.0), ("mcunet:in1", 79.0)):
        folder = tmp_path / "models" / method.replace(":", "--") / "digits-paper"
        folder.mkdir(parents=True)
        (folder / toy.files()[0]).touch()
        about = {"validation": {"accuracy": accuracy}}
        dataclasses.replace(toy, method=method, training=about, folder=folder).save()
    assert choose.main(["digits", "--results", str(tmp_path)]) == 0
    assert "chosen: in1" in capsys.readouterr().out
    assert choose.main(["cifar10", "--results", str(tmp_path)]) == 2
    assert "agilenn is not trained on cifar10" in capsys.readouterr().err
