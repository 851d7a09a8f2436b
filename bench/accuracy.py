"""Accuracy over a whole test split: int8 interpreter for the device, the server's network, integers between them.

The same numbers as on the board, which bench.measure checks image by image; only a coder that is exact is left out.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache, partial
from multiprocessing import current_process, get_context
from pathlib import Path
from typing import TypeVar

import numpy as np

from bench import datasets
from bench.compile import stages
from bench.compile.code_stage import chosen
from bench.compile.parameters import number
from bench.datasets import Dataset
from bench.errors import DataError
from bench.method import Deployment, Value
from bench.provenance import deployment_hash
from bench.server import Remote

Chunk = tuple[Path, np.ndarray, np.ndarray]  # a deployment's folder, uint8 images of native size, their labels
T = TypeVar("T")
CHUNK = 100  # images per task
ALONE = 1000  # up to so many images one process is quicker than several


def load(name: str, images: str, deployment: str, folder: Path, data_dir: Path | None) -> tuple[Dataset, Deployment]:
    """The data set and the deployment that a cell is named by. Raises DataError if their content has changed since."""
    data, loaded = datasets.load(name, data_dir), Deployment.load(folder)
    for kind, expected, got in (
        ("images", images, data.fingerprint),
        ("deployment", deployment, deployment_hash(loaded)),
    ):
        if got != expected:
            do = "run the same command again"
            raise DataError(f"{name}: its {kind} changed during the run", expected=expected[:16], got=got[:16], do=do)
    return data, loaded


def count_hits(
    *,
    dataset: str,
    images: str,
    deployment: str,
    folder: Path,
    data_dir: Path | None,
    uncoded: bool = False,
    **_settings: object,
) -> list[int]:
    """[correct, n] over the test split of a data set; images, deployment: fingerprints that the cell is named by.

    uncoded: the server gets the symbols themselves, whatever the coder would lose of them.
    """
    from tqdm import tqdm

    data, _ = load(dataset, images, deployment, folder, data_dir)
    pixels, labels = data.x_test, data.y_test
    chunks = cut(folder, pixels, labels)
    hits = 0
    with tqdm(total=len(labels), unit="image", desc="accuracy", disable=None, leave=False) as bar:
        for found in spread(partial(_hits, coder="packed" if uncoded else ""), chunks, len(labels)):
            hits += found
            bar.update(min(CHUNK, len(labels) - bar.n))
    load(dataset, images, deployment, folder, data_dir)
    return [hits, len(labels)]


def right(
    *, dataset: str, images: str, deployment: str, folder: Path, data_dir: Path | None, **_settings: object
) -> list[int]:
    """1 for each image of the test split that is classified rightly, else 0. images, deployment: fingerprints."""
    data, _ = load(dataset, images, deployment, folder, data_dir)
    found = [one for chunk in spread(_right, cut(folder, data.x_test, data.y_test), len(data.y_test)) for one in chunk]
    load(dataset, images, deployment, folder, data_dir)
    return found


def cut(folder: Path, pixels: np.ndarray, labels: np.ndarray) -> list[Chunk]:
    """Tasks of a test split."""
    return [(folder, pixels[i : i + CHUNK], labels[i : i + CHUNK]) for i in range(0, len(labels), CHUNK)]


def predict(deployment: Deployment, frame: np.ndarray, remote: Remote | None) -> int:
    """The class of one frame, uint8 (H, W, C)."""

    def reply(symbols: np.ndarray) -> np.ndarray:
        if remote is None:
            raise DataError(f"{deployment.method} receives from a server that the deployment does not have")
        return remote.logits(symbols)

    return int(np.argmax(scores(deployment, frame, reply)))


def scores(deployment: Deployment, frame: np.ndarray, reply: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """The scores of a frame: each stage's Python twin, without sending, and without exact coding. reply(symbols): the
    server's logits.
    """
    values = stages.walk(deployment, frame, lambda values: reply(arriving(deployment, values)), skip=("code",))
    return values["scores"]


def arriving(deployment: Deployment, values: stages.Buffers) -> np.ndarray:
    """What the server makes of the symbols that the `code` stage reads."""
    stage = stages.first(deployment, "code")
    coder, symbols = chosen(stage), values[stage.reads[0]]
    if coder.exact:
        return symbols
    bits = number(stage, "bits", 1, 8)
    return coder.decode(coder.encode(symbols, bits), bits, symbols.shape)


def spread(function: Callable[[Chunk], T], chunks: Sequence[Chunk], images: int) -> Iterator[T]:
    """The function's results in order, from all cores where there are many images; it is importable by name.

    A worker of a cluster may start no processes of its own.
    """
    if images <= ALONE or current_process().daemon:
        yield from map(function, chunks)
        return
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn"), _leave_ctrl_c_to_the_parent) as pool:
        yield from pool.map(function, chunks)


def _leave_ctrl_c_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _hits(chunk: Chunk, coder: str = "") -> int:
    return sum(_right(chunk, coder))


def _right(chunk: Chunk, coder: str = "") -> list[int]:
    folder, pixels, labels = chunk
    deployment, remote = loaded_once(folder, coder)
    frames = datasets.frames(pixels, deployment.frame)
    pairs = zip(frames, labels, strict=True)
    return [int(predict(deployment, frame, remote) == int(label)) for frame, label in pairs]


@cache
def loaded_once(folder: Path, coder: str = "", tables: tuple[int, ...] = ()) -> tuple[Deployment, Remote | None]:
    """Once per process; with another coder where one is named."""
    deployment = Deployment.load(folder)
    if coder:
        deployment = recoded(deployment, coder, tables)
    return deployment, Remote(deployment, threads=1) if deployment.server else None


def recoded(deployment: Deployment, coder: str, tables: tuple[int, ...] = ()) -> Deployment:
    """The deployment with another coder at both ends."""
    new: dict[str, Value] = {"coder": coder}
    if tables:
        new["tables"] = list(tables)
    stages = tuple(
        replace(stage, params={"bits": stage.params["bits"], **new}) if stage.op == "code" else stage
        for stage in deployment.stages
    )
    server = replace(deployment.server, coder=coder, tables=tables) if deployment.server else None
    return replace(deployment, stages=stages, server=server)
