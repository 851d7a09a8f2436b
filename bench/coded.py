"""What a coder costs and what it loses: bytes and predictions on test images, with the deployment's own or another."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench import datasets
from bench.accuracy import Chunk, cut, load, loaded_once, spread
from bench.compile import stages
from bench.errors import DataError
from bench.method import Deployment
from bench.server import Remote


def coded(
    *,
    dataset: str,
    images: str,
    deployment: str,
    n: int,
    folder: Path,
    data_dir: Path | None,
    coder: str = "",
    tables: tuple[int, ...] = (),
    **_settings: object,
) -> dict[str, Any]:
    """{"right": [0 or 1], "bytes": [...]} of n test images, chosen by seed, the same ones for every deployment.

    images, deployment: fingerprints that the cell is named by. coder, tables: in place of the deployment's own. What
    the server sees has gone through the coder, and back, whether it is exact or not.
    """
    data, loaded = load(dataset, images, deployment, folder, data_dir)
    if loaded.server is None:
        raise DataError(f"{loaded.method} sends nothing", expected="a deployment with a server network")
    rows = np.sort(np.random.default_rng(datasets.SEED).permutation(len(data.y_test))[:n])
    chunks = cut(folder, data.x_test[rows], data.y_test[rows])
    found = list(spread(partial(_of_chunk, coder=coder, tables=tuple(tables)), chunks, len(rows)))
    load(dataset, images, deployment, folder, data_dir)
    return {name: [value for part in found for value in part[i]] for i, name in enumerate(("right", "bytes"))}


def _of_chunk(chunk: Chunk, coder: str, tables: tuple[int, ...]) -> tuple[list[int], list[int]]:
    folder, pixels, labels = chunk
    deployment, remote = loaded_once(folder, coder, tables)
    assert remote is not None
    pairs = [run(deployment, remote, frame) for frame in datasets.frames(pixels, deployment.frame)]
    return [int(found == label) for (found, _), label in zip(pairs, labels, strict=True)], [size for _, size in pairs]


def run(deployment: Deployment, remote: Remote, frame: np.ndarray) -> tuple[int, int]:
    """Class and payload bytes of one uint8 frame (H, W, C); no bytes where the device decides."""
    values = stages.simulate(deployment, frame, remote.reply)
    payload = values.get(str(stages.first_buffer(deployment, "send", "reads")))
    return int(np.argmax(values["scores"])), 0 if payload is None else payload.size
