"""The cell of figures that train: one variant of AgileNN is trained, asked, judged and put on the board."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench import datasets, provenance, registry
from bench.audit.audit import sample
from bench.audit.importance import importance, skewness
from bench.audit.judge import train
from bench.audit.subject import Subject, refuses
from bench.datasets import Dataset
from bench.measure import measure
from bench.method import Deployment, Request
from bench.outputs import outputs
from bench.training.backend import keras

CLOCK = 216_000_000
FRAMES = 20  # on the board
REPORTED = ("test", "validation", "alpha", "cpu_hours", "epochs", "curve", "cores")  # of the training's own record


def trained(
    *,
    dataset: str,
    images: str,
    method: str,
    seed: int,
    budget: str,
    n: int,
    code: str,
    compiler: str,
    data_dir: Path | None,
) -> dict[str, Any]:
    """What is known of one training, which goes on where an earlier one stopped. images: fingerprint.

    deployment: its hash. training: of its record. sent: symbols per image. outputs: of the integer program on the test
    split. skewness: judged, percent per image of n. device_ms: per frame on the emulated board. down: bytes of a reply.
    firmware: what ran on the board.
    """
    bare, _, variant = method.partition(":")
    folder = provenance.cache("sweeps", f"{method.replace(':', '--')}-{dataset}-{budget}-{seed}-{code}")
    request = Request(dataset, "paper", folder, seed, budget, False, data_dir, variant=variant, code=code)
    deployment = registry.method(bare).train(request)
    identity = provenance.deployment_hash(deployment)
    asked: dict[str, Any] = {
        "dataset": dataset, "images": images, "deployment": identity, "folder": folder, "data_dir": data_dir,
    }  # fmt: skip
    board = measure(**asked, n=FRAMES, clock_hz=CLOCK, board="emu://stm32f746", compiler=compiler)
    runs = board["runs"]
    height, width, channels = deployment.server.shape if deployment.server else (0, 0, 0)
    found = {
        "deployment": identity,
        "training": {name: deployment.training.get(name) for name in REPORTED},
        "sent": height * width * channels,
        "outputs": outputs(**asked),
        "skewness": judged(deployment, datasets.load(dataset, data_dir), n),
        "device_ms": [sum(run["cycles"].values()) * 1e3 / CLOCK for run in runs],
        "down": runs[0]["payload_down"],
        "firmware": board["info"],
    }
    keras.utils.clear_session()  # the next cell's networks need the memory
    return found


def judged(deployment: Deployment, data: Dataset, n: int) -> list[float]:
    """Percent of importance in the first k channels, of test images that the judge classifies rightly.

    [] for a deployment without a split, and where n is 0.
    """
    if not n or refuses(deployment):
        return []
    subject = Subject.of(deployment)
    judge = train(subject, data)
    features, labels = subject.of_images(sample(data.x_test, n)), sample(data.y_test, n)
    right = judge.right("evaluator", features, labels)
    found = importance(judge.evaluator, subject.real(features[right]), labels[right])
    return [float(value) for value in skewness(found, subject.k)]
