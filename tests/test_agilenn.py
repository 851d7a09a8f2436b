"""The method's parts: quantizer, combination; one tiny training from images to a deployment."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agilenn import method, networks, quantizer, references
from agilenn.combine import logit_shift, q15
from agilenn.config import Settings
from agilenn.model import AgileModel
from bench.method import Deployment, Request
from bench.training import export, snapshot

MODELS = Path(__file__).parent.parent / "results" / "models"
COMMITTED = sorted(path.parent for path in MODELS.glob("agilenn*/*/deployment.json"))


@given(st.floats(0, 1), st.floats(0.001, 1), st.floats(0.1, 1000))
def test_integer_combination_fits(alpha: float, scale: float, largest: float) -> None:
    weights = q15(alpha)
    assert sum(weights) == 32768 and min(weights) >= 0 and abs(weights[0] / 32768 - alpha) < 1e-4
    shift = logit_shift(scale, largest)
    assert 0 <= shift <= 7 and 255 << shift <= 32767
    assert shift == 0 or 2 * largest / (scale / 2**shift) <= 32767


TINY = Settings(
    reference_width=8, remote_width=0.5, remote_stages=2, remote_head=32, reference_epochs=1, epochs=1, attributed=0.25
)


def train(settings: Settings, out: Path, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    monkeypatch.setenv("AGILENN_CACHE", str(out.parent / "cache"))
    monkeypatch.setattr(method, "settings_for", lambda *_: settings)
    made = method.AgileNN().train(Request("digits", "strong", out, 0, "quick", False, None))
    deployment = Deployment.load(out)
    assert (deployment.stages, deployment.server) == (made.stages, made.server)
    return deployment


def test_a_tiny_training_ends_in_a_sound_deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = dataclasses.replace(TINY, selection="algorithm1", mapping=True, reference_trained=True)
    deployment = train(settings, tmp_path / "out", monkeypatch)
    assert deployment.training["settings"]["k"] == 5
    for split, images in (("validation", 179), ("test", 539)):
        found = deployment.training[split]
        assert found["images"] == images and 0 <= found["skewness"] <= 100 and 0 < found["symbol_entropy"] <= 3
    assert deployment.server is not None and deployment.server.shape == (8, 8, 19)
    assert len(deployment.server.values) == 8
    sound(deployment)


def test_centroids_start_evenly_inside_the_model() -> None:
    extractor = networks.extractor((24, 24, 1), 24, 3)
    reference = references.build("resnet8", extractor.output.shape[1:], 10, 8)
    centroids = AgileModel(extractor, reference, 10, TINY).quantizer.centroids.numpy()
    np.testing.assert_allclose(centroids, np.arange(0.375, 6, 0.75), rtol=1e-6)


def test_ablations_change_the_device_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = train(dataclasses.replace(TINY, local=False), tmp_path / "alone", monkeypatch)
    assert [s.op for s in alone.stages] == ["net", "quantize", "code", "send", "receive", "combine"]
    whole = train(dataclasses.replace(TINY, send_all=True), tmp_path / "whole", monkeypatch)
    assert whole.server is not None and whole.server.shape == (8, 8, 24)
    sound(whole)


@pytest.mark.parametrize("folder", COMMITTED, ids=lambda path: "-".join(path.parts[-2:]))
def test_committed_deployments_are_sound(folder: Path) -> None:
    assert (folder / "weights.npz").stat().st_size <= snapshot.LIMIT
    sound(Deployment.load(folder))


def sound(deployment: Deployment) -> None:
    """The integers that join the files: input scale, the chain extractor -> Local NN, and the logits' common scale."""
    stages = {s.op: s.params for s in deployment.stages}
    (scale, zero), features = export.quantization(deployment.folder / "extractor.tflite")
    local_in, local_out = export.quantization(deployment.folder / "local.tflite")
    assert (scale, zero) == (pytest.approx(1 / 255, rel=1e-5), -128)
    assert local_in == (pytest.approx(features[0], rel=1e-5), features[1])
    assert deployment.server is not None
    assert stages["quantize"]["table"] == quantizer.table(np.array(deployment.server.values), *features)
    shift = stages["combine"]["shifts"][0]  # type: ignore[index]
    assert deployment.server.logit_scale == pytest.approx(local_out[0] / 2**shift)
    assert stages["combine"]["zeros"] == [local_out[1], 0] and sum(stages["combine"]["weights"]) == 32768  # type: ignore[arg-type]
