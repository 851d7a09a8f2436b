"""Edge-only: coders as variants, the choice among them, training batches that went through JPEG."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from baselines.edge_only import codecs, distortion
from baselines.edge_only.method import settings_for
from bench.datasets import digits
from bench.errors import UnknownName
from bench.method import Request
from bench.training.pipeline import Batches
from bench.training.task import Task


@pytest.fixture(scope="module")
def task():
    request = Request("digits", "strong", Path("nowhere"), 0, "quick", False, None)
    return Task(request, digits(), (8, 8, 1), commit=None)


@pytest.mark.parametrize("name", ["lzw", "lossless", "jpeg1", "jpeg75", "jpeg100"])
def test_a_variant_names_a_coder(task, name):
    chosen = codecs.codec(name, task)
    frame = task.validation()[0][3]
    seen, size = chosen.through(frame)
    assert seen.shape == frame.shape and 0 < size <= 80
    if not name.startswith("jpeg"):
        assert np.array_equal(seen, frame)
        assert chosen.arriving(frame[None]) is not None


@pytest.mark.parametrize("name", ["jpeg0", "jpeg101", "jpeg", "jpeg07", "zip", "lossless "])
def test_other_variants_are_refused(task, name):
    with pytest.raises(UnknownName, match=r"variant of edge_only.*one of jpeg1 to jpeg100, lossless, lzw$"):
        codecs.codec(name, task)


def test_the_shortest_of_those_that_cost_at_most_a_point_is_chosen(task, monkeypatch):
    monkeypatch.setattr(codecs, "CHOSEN_ON", 100)
    monkeypatch.setattr(codecs, "CHOICES", ("jpeg10", "jpeg50", "jpeg75", "lossless"))
    labels = task.validation()[1]
    rows = np.sort(np.random.default_rng(0).permutation(len(labels))[:100])
    wrong = iter([2, 1, 0, 0])  # of 100 images, in the order of CHOICES

    def classify(arrived):
        found = labels[rows].copy()
        found[: next(wrong)] += 1
        assert arrived.shape == (100, 8, 8, 1)
        return found

    chosen, tried = codecs.choose(task, classify)
    assert chosen.name == "jpeg50"
    assert [values["accuracy"] for values in tried.values()] == [98, 99, 100, 100]
    assert tried["jpeg10"]["bytes"] < tried["jpeg50"]["bytes"] < tried["lossless"]["bytes"]


def test_half_of_the_images_go_through_jpeg_and_the_same_ones_again():
    data = digits()
    plain, distorted = (kind(data, (8, 8, 1), 200, 3) for kind in (Batches, distortion.Distorted))
    (a, labels), (b, same) = next(plain.epoch(0)), next(distorted.epoch(0))
    again, _ = next(distorted.epoch(0))
    assert np.array_equal(labels, same) and np.array_equal(b, again)
    assert b.dtype == np.float32 and b.min() >= 0 and b.max() <= 1
    changed = (a != b).any(axis=(1, 2, 3))
    assert 70 < changed.sum() < 130
    assert np.abs(a - b)[changed].mean() < 0.1


def test_only_native_frames_are_distorted():
    for dataset in ("digits", "cifar10"):
        assert settings_for(dataset, "quick", "strong").distorted
        assert not settings_for(dataset, "quick", "paper").distorted
    assert settings_for("cifar10", "quick", "paper").network == "vgg"
    assert settings_for("cifar10", "full", "paper").network == "mobilenetv2"
