"""Draws the embedded sample: python -m bench.sample.make DATA_DIR LABELS_DIR

DATA_DIR: folder of cifar10.npz and cifar100.npz. LABELS_DIR: folder with cifar10_labels.npz, whose `exact_test` marks
the test images that never went through JPEG; only those are drawn.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from bench.imagefile import ImageFile
from bench.sample.read import HERE, load, tile

SEED = 2022
PER_CLASS = {"cifar10": 25, "cifar100": 3}
COLUMNS = 25


def draw(labels: np.ndarray, allowed: np.ndarray, per_class: int) -> np.ndarray:
    """Ascending row numbers: `per_class` allowed rows of each label."""
    rng = np.random.default_rng(SEED)
    picks = [rng.permutation(np.flatnonzero((labels == c) & allowed))[:per_class] for c in np.unique(labels)]
    return np.sort(np.concatenate(picks))


def write(name: str, data_dir: Path, allowed: np.ndarray | None) -> None:
    from PIL import Image

    file = ImageFile(data_dir / f"{name}.npz")
    images, labels = file.read("test")
    rows = draw(labels, np.ones(len(labels), bool) if allowed is None else allowed, PER_CLASS[name])
    images, labels = images[rows], labels[rows]
    Image.fromarray(tile(images, COLUMNS)).save(HERE / f"{name}.png", optimize=True)
    about = {"side": images.shape[1], "seed": SEED, "classes": file.classes}
    text = json.dumps({**about, "labels": labels.tolist(), "rows": rows.tolist()})
    (HERE / f"{name}.json").write_text(text + "\n")
    assert (load(name)[0] == images).all(), "the sample must come back without loss"


if __name__ == "__main__":
    folder, label_folder = Path(sys.argv[1]), Path(sys.argv[2])
    with np.load(label_folder / "cifar10_labels.npz", allow_pickle=False) as pack:
        write("cifar10", folder, pack["exact_test"])
    write("cifar100", folder, None)
