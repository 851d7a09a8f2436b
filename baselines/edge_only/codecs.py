"""How the frame travels: which coders a variant can name, and the choice among them on validation images."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.codec import coder, jpeg_tables, lossless
from bench.errors import UnknownName
from bench.training.task import Task

BITS = 8  # a symbol is a byte of the frame
PAPER = "lzw"
CHOICES = ("jpeg30", "jpeg50", "jpeg60", "jpeg75", "jpeg85", "jpeg90", "jpeg95", "lossless")
LOSS = 1.0  # points of accuracy that a coder may cost
TRAINED_ON = 1000  # frames: tables of the lossless coder
CHOSEN_ON = 2000  # validation images, at most


@dataclass(frozen=True)
class Codec:
    """A coder of bench.codec with its tables; name: as a variant says it."""

    name: str
    coder: str
    tables: tuple[int, ...] = ()

    def through(self, frame: np.ndarray) -> tuple[np.ndarray, int]:
        """uint8 (H, W, C) -> what the server gets, uint8 of that shape, and the bytes that it took."""
        chosen = coder(self.coder, self.tables)
        data = chosen.encode(frame, BITS)
        return chosen.decode(data, BITS, frame.shape).reshape(frame.shape), len(data)

    def arriving(self, frames: np.ndarray) -> np.ndarray:
        """uint8 (N, H, W, C) as the server gets them."""
        return frames if coder(self.coder, self.tables).exact else np.stack([self.through(f)[0] for f in frames])


def codec(name: str, task: Task) -> Codec:
    """ "lzw", "lossless" or "jpegQ" with a quality Q of 1 to 100, for a task's frames. Raises UnknownName."""
    if name == "lzw":
        return Codec(name, "lzw")
    if name == "lossless":
        return Codec(name, "lossless", tuple(lossless.train(task.calibration(TRAINED_ON)[0])))
    match = re.fullmatch(r"jpeg([1-9]\d?|100)", name, re.ASCII)
    if not match:
        raise UnknownName("variant of edge_only", name, ("jpeg1 to jpeg100", "lossless", "lzw"))
    return Codec(name, "jpeg", tuple(jpeg_tables.quantizers(int(match[1]), task.frame[2])))


def choose(task: Task, classify: Callable[[np.ndarray], np.ndarray]) -> tuple[Codec, dict[str, dict[str, Any]]]:
    """The coder with the fewest bytes of those that cost no more than LOSS against the lossless one; and all of them.

    classify: uint8 frames (N, H, W, C) -> classes. Fewest bytes is also least time: on the device all take about as
    long (README.md).
    """
    frames, labels = task.validation()
    rows = np.sort(np.random.default_rng(task.request.seed).permutation(len(labels))[:CHOSEN_ON])
    found: dict[str, dict[str, Any]] = {}
    for name in CHOICES:
        tried = codec(name, task)
        arrived, sizes = zip(*map(tried.through, frames[rows]), strict=True)
        hits = classify(np.stack(arrived)) == labels[rows]
        found[name] = {"accuracy": round(100 * float(hits.mean()), 2), "bytes": round(float(np.mean(sizes)), 1)}
    enough = found["lossless"]["accuracy"] - LOSS
    good = [name for name, values in found.items() if values["accuracy"] >= enough]
    return codec(min(good, key=lambda name: found[name]["bytes"]), task), found
