"""The judge's parts, each on data of which the answer is known; once all of them on digits."""

from dataclasses import replace

import numpy as np
import pytest

from bench import accuracy, datasets
from bench.audit import audit, importance, judge, masking, probes, robustness, shift, symbols
from bench.audit.subject import Subject, refuses
from bench.compile import stages
from bench.errors import DataError
from bench.method import Deployment
from bench.provenance import ROOT, deployment_hash
from bench.server import Remote
from bench.training import export
from bench.training.backend import keras

MODELS = ROOT / "results" / "models"
DIGITS = MODELS / "agilenn" / "digits-paper"


@pytest.fixture(scope="module")
def subject():
    return Subject.of(Deployment.load(DIGITS))


@pytest.fixture(scope="module")
def images():
    return datasets.load("digits").x_test[:20]


def test_features_are_those_of_the_device_but_for_rounding(subject, images):
    frames = datasets.frames(images, subject.deployment.frame)
    exact = export.run(subject.deployment.folder / subject.extractor, (frames ^ 0x80).view(np.int8))
    got = subject.features(frames).astype(int) - 128
    assert got.shape == exact.shape == (20, *subject.shape)
    assert np.abs(got - exact).mean() < 0.05 and (got != exact).mean() < 0.03
    assert subject.real(subject.features(frames)).min() >= 0 and subject.real(np.array([255])).max() < 6.1


def test_symbols_are_those_that_are_sent(subject, images):
    deployment, remote = subject.deployment, Remote(subject.deployment, threads=1)
    predictions, payloads, features = robustness.integers(subject, remote, images[:5])
    sent = subject.symbols(features)
    for i, frame in enumerate(datasets.frames(images[:5], deployment.frame)):
        values = stages.simulate(deployment, frame, remote.reply)
        assert np.array_equal(values["symbols"].ravel(), np.moveaxis(sent[i], -1, 0).ravel())
        assert payloads[i] == values["payload"].size
        assert predictions[i] == accuracy.predict(deployment, frame, remote)


def test_symbols_of_a_deployment_that_sends_all_channels(subject):
    stages_ = [
        replace(stage, params={**stage.params, "first": 0}) if stage.op == "quantize" else stage
        for stage in subject.deployment.stages
    ]
    everything = Subject.of(replace(subject.deployment, stages=tuple(stages_)))
    features = np.zeros((1, 2, 2, 24), np.uint8)
    assert everything.symbols(features).shape == (1, 2, 2, 24) and subject.symbols(features).shape == (1, 2, 2, 19)
    assert everything.k == subject.k == 5


def test_a_deployment_without_features_is_refused():
    deployment = Deployment.load(MODELS / "edge_only" / "digits-paper")
    assert "no stage net" in refuses(deployment)
    with pytest.raises(DataError, match="nothing to judge"):
        Subject.of(deployment)


def network(channels=4, classes=3, seed=0):
    keras.utils.set_random_seed(seed)
    x = inputs = keras.Input((5, 5, channels))
    x = keras.layers.Conv2D(6, 3, activation="relu")(x)
    return keras.Model(inputs, keras.layers.Dense(classes)(keras.layers.Flatten()(x)))


def test_importance_of_an_image_depends_on_no_other_image_and_on_no_dead_channel(monkeypatch):
    rng = np.random.default_rng(1)
    x, y, net = rng.random((7, 5, 5, 4), np.float32), rng.integers(0, 3, 7), network()
    kernel = net.layers[1].kernel
    kernel.assign(kernel.numpy() * np.array([1, 1, 0, 1], np.float32).reshape(1, 1, 4, 1))
    found = importance.importance(net, x, y, points=8)
    assert found.shape == (7, 4) and np.allclose(found.sum(axis=1), 1, atol=1e-5)
    assert np.all(found[:, 2] == 0) and found[:, [0, 1, 3]].min() > 0
    monkeypatch.setattr(importance, "ROOM", 24)  # three images at once: the last batch is filled up
    assert np.allclose(importance.importance(net, x, y, points=8), found, atol=1e-5)
    mean = importance.importance(net, x, y, points=8, mean=x.mean(axis=0))
    assert np.abs(mean - found).max() > 0.01
    at_the_mean = np.repeat(x[:1], 2, axis=0)
    assert np.all(importance.importance(net, at_the_mean, y[:2], points=8, mean=x[0]) == 0)


def test_importance_of_no_image():
    assert importance.importance(network(), np.zeros((0, 5, 5, 4), np.float32), np.zeros(0, np.int64)).shape == (0, 4)


def test_what_importance_says_of_a_split():
    found = np.array([[0.5, 0.3, 0.2, 0.0], [0.1, 0.2, 0.3, 0.4], [0.6, 0.1, 0.2, 0.1]])
    assert np.allclose(importance.skewness(found, 2), [80, 30, 70])
    assert importance.violated(found, 2).tolist() == [False, True, True]
    assert importance.overlap(found, 2).tolist() == [100, 0, 50]


def test_centroids_that_carry_something():
    even = np.full((9, 8), 1 / 8)
    assert symbols.effective_centroids(even)[0] == pytest.approx(8) and symbols.used(even) == 8
    one = np.tile([1.0, 0, 0, 0], (9, 1))
    assert symbols.effective_centroids(one)[0] == pytest.approx(1) and symbols.used(one) == 1
    mixed = np.repeat(np.eye(2), [5, 15], axis=0)  # each image uses one symbol, all together two
    value, (low, high) = symbols.effective_centroids(mixed)
    assert value == pytest.approx(2 ** -(0.25 * np.log2(0.25) + 0.75 * np.log2(0.75))) and low < value < high <= 2


def test_the_linear_probe_reads_what_is_there_and_nothing_else():
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 2, 400)
    noise = rng.integers(0, 256, (400, 9, 9, 3), np.uint8)
    telling = noise.copy()
    telling[..., 1] = telling[..., 1] // 2 + 100 * labels[:, None, None].astype(np.uint8)
    assert probes.pooled(noise).shape == (400, 4 * 4 * 3)
    assert np.allclose(probes.pooled(noise)[0, :3], noise[0, :2, :2].mean(axis=(0, 1)))
    assert probes.linear(telling[:200], labels[:200], telling[200:], labels[200:]).mean() > 0.98
    assert probes.linear(noise[:200], labels[:200], noise[200:], labels[200:]).mean() < 0.65


@pytest.mark.parametrize("shape", [(8, 8, 1), (32, 32, 3)])
@pytest.mark.parametrize("kind", shift.STRENGTHS)
def test_shifts_grow_and_repeat(kind, shape):
    base = np.random.default_rng(3).integers(60, 200, (6, 4, 4, shape[2]), np.uint8)
    pixels = np.kron(base, np.ones((1, shape[0] // 4, shape[1] // 4, 1), np.uint8))
    steps = [shift.shifted(pixels, kind, severity) for severity in range(1, shift.SEVERITIES + 1)]
    distance = [float(np.abs(step.astype(int) - pixels).mean()) for step in steps]
    assert all(step.shape == pixels.shape and step.dtype == np.uint8 for step in steps)
    assert distance[0] > 0 and distance == sorted(distance) and distance[-1] > 1.5 * distance[0]
    assert np.array_equal(steps[2], shift.shifted(pixels, kind, 3))


class ReadsOneChannel:
    """Class 1 where channel 2 is lit, else class 0."""

    def predict(self, features, **_):
        lit = features[..., 2].max(axis=(1, 2)) > 0
        return np.stack([~lit, lit], axis=1).astype(float)


def test_masking_by_rank():
    features, labels = np.ones((4, 3, 3, 5), np.float32), np.ones(4, int)
    order = np.array([[2, 0, 1, 3, 4], [0, 1, 2, 3, 4], [4, 3, 1, 0, 2], [2, 1, 0, 3, 4]])
    right = np.array(masking.after_masking(ReadsOneChannel(), features, labels, order))
    assert right.shape == (5, 4)
    assert right.sum(axis=0).tolist() == [1, 3, 5, 1]  # until channel 2's turn


def test_agreement_of_equal_and_of_opposite_orders():
    values = np.random.default_rng(4).random((3, 24))
    same = masking.agreement(values, values)
    assert all(
        np.allclose(same[name], wanted) for name, wanted in (("spearman", 1), ("kendall", 1), ("top5_overlap", 100))
    )
    assert np.allclose(masking.agreement(-values, values)["spearman"], -1)
    assert max(masking.agreement(-values, values)["top5_overlap"]) == 0


def test_all_of_it_on_digits(tmp_path, monkeypatch):
    """One epoch and few images: what comes out has its shape; a second call trains nothing."""
    monkeypatch.setenv("AGILENN_CACHE", str(tmp_path))
    monkeypatch.setitem(judge.BUDGETS, "digits", judge.Budget(1, 640))
    data = datasets.load("digits")
    named = {
        "dataset": "digits", "images": data.fingerprint, "deployment": deployment_hash(Deployment.load(DIGITS)),
        "folder": DIGITS, "data_dir": None,
    }  # fmt: skip
    result = audit.audit(**named, n=30)
    assert result["k"] == 5 and result["levels"] == 8 and len(result["shares"]) == 30
    assert all(len(values) == 30 for kind in ("right", "linear") for values in result[kind].values())
    assert len(result["skewness"]["zero"]) == len(result["violated"]["mean"]) == sum(result["right"]["evaluator"])
    assert np.mean(result["linear"]["remote"]) > 0.8
    monkeypatch.setattr(keras.Model, "fit", None)  # no second training
    shifted = robustness.robustness(**named, n=6, shift="contrast")
    assert list(shifted) == ["1", "2", "3", "4", "5"]
    assert all(len(values["right"]) == len(values["payload"]) == 6 for values in shifted.values())
    assert shifted["1"]["payload"] != shifted["5"]["payload"]
    with pytest.raises(DataError, match="images changed"):
        audit.audit(**(named | {"images": "other"}), n=3)
