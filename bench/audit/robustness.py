"""A deployment and its judge on shifted test images: the cell of fig_shift."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bench import datasets
from bench.accuracy import load
from bench.audit.audit import sample
from bench.audit.importance import importance, overlap, skewness, violated
from bench.audit.judge import Judge, train
from bench.audit.shift import SEVERITIES, shifted
from bench.audit.subject import Subject
from bench.compile import stages
from bench.server import Remote

CLEAN = "clean"


def robustness(
    *,
    dataset: str,
    images: str,
    deployment: str,
    folder: Path,
    data_dir: Path | None,
    n: int,
    shift: str,
    **_settings: object,
) -> dict[str, dict[str, list[Any]]]:
    """severity -> what fig_shift draws, one value per image. shift: of bench.audit.shift, or "clean" (severity 0).

    The judge is the one of clean features. images, deployment: fingerprints.
    """  # fmt: skip
    data, loaded = load(dataset, images, deployment, folder, data_dir)
    subject = Subject.of(loaded)
    judge, remote = train(subject, data), Remote(loaded, threads=1)
    pixels, labels = sample(data.x_test, n), sample(data.y_test, n)
    if shift == CLEAN:
        return {"0": judged(judge, remote, pixels, labels)}
    return {
        str(severity): judged(judge, remote, shifted(pixels, shift, severity), labels)
        for severity in range(1, SEVERITIES + 1)
    }


def judged(judge: Judge, remote: Remote, images: np.ndarray, labels: np.ndarray) -> dict[str, list[Any]]:
    """One list per quantity; importance on images that the evaluator classifies rightly."""
    subject, k = judge.subject, judge.subject.k
    predictions, payloads, features = integers(subject, remote, images)
    right = judge.right("evaluator", features, labels)
    found = importance(judge.evaluator, subject.real(features[right]), labels[right])
    return {
        "right": (predictions == labels).tolist(),
        "payload": payloads,
        "evaluator": right.tolist(),
        "skewness": skewness(found, k).tolist(),
        "overlap": overlap(found, k).tolist(),
        "violated": violated(found, k).tolist(),
    }


def integers(subject: Subject, remote: Remote, images: np.ndarray) -> tuple[np.ndarray, list[int], np.ndarray]:
    """The whole integer program: predictions (N,), payload bytes, uint8 features (N, H, W, C), bit for bit."""
    predictions, payloads, features = [], [], []
    payload, map_ = (stages.first_buffer(subject.deployment, *of) for of in (("send", "reads"), ("split", "reads")))
    for frame in datasets.frames(images, subject.deployment.frame):
        values = stages.simulate(subject.deployment, frame, remote.reply)
        predictions.append(int(np.argmax(values["scores"])))
        payloads.append(values[str(payload)].size)
        features.append(values[str(map_)].view(np.uint8) ^ 0x80)
    return np.array(predictions), payloads, np.stack(features)
