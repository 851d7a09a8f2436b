"""All that an offloading deployment's integer program says over a test split, for figures about training."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from bench import datasets
from bench.accuracy import Chunk, arriving, cut, load, loaded_once, spread
from bench.compile import stages
from bench.errors import DataError
from bench.method import Deployment
from bench.server import Remote

ALPHAS = tuple(f"{step / 20:g}" for step in range(21))  # weights of the local logits that are tried
ONE_Q15 = 1 << 15


def outputs(
    *, dataset: str, images: str, deployment: str, folder: Path, data_dir: Path | None, **_settings: object
) -> dict[str, Any]:
    """What is said of the n images; images, deployment: fingerprints.

    hits: of the program ("own"), of each operand of its combine stage ("local", "remote") and, where it has two, at
    each of the weights `alphas` of the first ("alpha=0.05"). payload: bytes per image. symbols: how often each goes.
    """
    from tqdm import tqdm

    data, loaded = load(dataset, images, deployment, folder, data_dir)
    if loaded.server is None:
        raise DataError(f"{loaded.method} sends nothing", expected="a deployment with a server network")
    hits: Counter[str] = Counter()
    payload: list[int] = []
    symbols = np.zeros(len(loaded.server.values), np.int64)
    total = len(data.y_test)
    with tqdm(total=total, unit="image", desc="outputs", disable=None, leave=False) as bar:
        for more_hits, more_payload, more_symbols in spread(_of_chunk, cut(folder, data.x_test, data.y_test), total):
            hits.update(more_hits)
            payload += more_payload
            symbols += more_symbols
            bar.update(len(more_payload))
    load(dataset, images, deployment, folder, data_dir)
    return {"n": total, "hits": dict(hits), "alphas": ALPHAS, "payload": payload, "symbols": symbols.tolist()}


def _of_chunk(chunk: Chunk) -> tuple[Counter[str], list[int], np.ndarray]:
    folder, pixels, labels = chunk
    deployment, remote = loaded_once(folder)
    assert remote is not None
    hits: Counter[str] = Counter()
    payload, counts = [], np.zeros(len(remote.server.values), np.int64)
    for frame, label in zip(datasets.frames(pixels, deployment.frame), labels, strict=True):
        values, symbols, size = run(deployment, remote, frame)
        hits.update(name for name, scores in answers(deployment, values).items() if int(np.argmax(scores)) == label)
        payload.append(size)
        counts += np.bincount(symbols.reshape(-1), minlength=len(counts))
    return hits, payload, counts


def run(deployment: Deployment, remote: Remote, frame: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray, int]:
    """All buffers, the symbols that travel, and the bytes that they become, of one uint8 frame (H, W, C)."""
    values = stages.walk(deployment, frame, lambda values: remote.logits(arriving(deployment, values)))
    payload = values[str(stages.first_buffer(deployment, "send", "reads"))]
    return values, arriving(deployment, values), payload.size


def answers(deployment: Deployment, values: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """name -> scores, as `outputs` names its hits."""
    stage = stages.first(deployment, "combine")
    kind = stages.kinds(deployment)[stage.op]
    found = {"own": values["scores"], **{name: values[name] for name in stage.reads}}
    for alpha in ALPHAS if len(stage.reads) == 2 else ():
        weight = round(ONE_Q15 * float(alpha))
        other = dataclasses.replace(stage, params={**stage.params, "weights": [weight, ONE_Q15 - weight]})
        tried = dict(values)
        kind.run(other, tried, deployment.folder)
        found[f"alpha={alpha}"] = tried[stage.writes[0]]
    return found


def learned(deployment: Deployment) -> float | None:
    """The trained weight of the local logits; None where there is only one operand."""
    stage = stages.first(deployment, "combine")
    weights = stage.params["weights"]
    assert isinstance(weights, list)
    return weights[0] / ONE_Q15 if len(stage.reads) == 2 else None
