"""What a device answers when the server's reply does not come."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench import datasets
from bench.accuracy import Chunk, cut, load, loaded_once, scores, spread
from bench.method import NO_REPLY, Deployment


def count_fallback(
    *, dataset: str, images: str, deployment: str, folder: Path, data_dir: Path | None, **_settings: object
) -> list[int]:
    """[correct, answered, n] over a test split where no reply ever comes; images, deployment: fingerprints."""
    from tqdm import tqdm

    data, _ = load(dataset, images, deployment, folder, data_dir)
    correct, answered, total = 0, 0, len(data.y_test)
    with tqdm(total=total, unit="image", desc="without replies", disable=None, leave=False) as bar:
        for hits, given, count in spread(_of_chunk, cut(folder, data.x_test, data.y_test), total):
            correct, answered = correct + hits, answered + given
            bar.update(count)
    load(dataset, images, deployment, folder, data_dir)
    return [correct, answered, total]


def answer(deployment: Deployment, frame: np.ndarray) -> int | None:
    """The class that the device chooses alone for a uint8 frame (H, W, C); None where all classes are equal to it."""
    silence = np.full(deployment.classes, NO_REPLY, np.int16)
    found = scores(deployment, frame, lambda _symbols: silence)
    return int(np.argmax(found)) if found.min() < found.max() else None


def _of_chunk(chunk: Chunk) -> tuple[int, int, int]:
    folder, pixels, labels = chunk
    deployment, _ = loaded_once(folder)
    given = [answer(deployment, frame) for frame in datasets.frames(pixels, deployment.frame)]
    hits = sum(found == int(label) for found, label in zip(given, labels, strict=True))
    return hits, sum(found is not None for found in given), len(given)
