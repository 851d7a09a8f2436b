"""name -> images: a folder of NAME.npz, the user cache, the embedded sample or scikit-learn's digits; never a download.

A .npz holds x_train, y_train, x_test, y_test (uint8 NHWC images, integer labels), classes (str) and maybe source (str).
Splits are read when asked for: a measurement that needs only test images reads only those.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from bench import provenance
from bench.errors import DataError, UnknownName
from bench.imagefile import ImageFile
from bench.method import NAME
from bench.sample import read as sample

KNOWN = ("cifar10", "cifar100", "svhn", "imagenet200", "digits")
NATIVE = {
    "cifar10": (32, 32, 3),
    "cifar100": (32, 32, 3),
    "svhn": (32, 32, 3),
    "svhn_grey": (32, 32, 3),
    "imagenet200": (64, 64, 3),
    "digits": (8, 8, 1),
}
SEED = 20221017  # of every split that is cut here
JPEG_NOTE = "official split in another row order; 1,020 of 60,000 images come from JPEG copies"
RESPLIT_NOTE = "re-split, 500/100 per class: the official train/test split was lost at the source"
FIFTH_NOTE = "100 of 500 training images per class; test = half of the official validation set"
GREY_NOTE = "grey; most training digits come from official test photos: not standard SVHN"
OFFICIAL_NOTES = {"imagenet200": "test = official validation set: the test labels are not public"}
# (origin, what must be said beside a number from it, whether numbers from it compare with published ones)
UNKNOWN = ("unknown", "origin unknown: the file does not say", False)
OFFICIAL_SPLIT = {"official", "cifar10 copy"}  # origins that divide a set into the same training and test images
# by CRC-32 of the file's x_test.npy
ORIGINS = {
    0xFE5DB072: ("cifar10 copy", JPEG_NOTE, True),
    0xC195ABDD: ("cifar100 re-split", RESPLIT_NOTE, False),
    0x6CD1AA9F: ("imagenet200 fifth", FIFTH_NOTE, False),
    0x2BAC045A: ("svhn_grey re-split", GREY_NOTE, False),
}


@dataclass(frozen=True)
class Dataset:
    """Images uint8 (N, H, W, C), labels int64 (N,) in 0..len(classes)-1; `rows`: each test image's number in its split.

    shape: native (H, W, C). source: "folder", "cache", "sample" (test images only) or "digits". origin, note: whose
    copy it is, and what must be said beside any number from it. comparable: False for re-split, reduced or other data
    than published results were made with (a sample has its set's value). fingerprint: of the test split's content;
    learned_from: of the training images, validation included.
    """

    name: str
    classes: tuple[str, ...]
    shape: tuple[int, int, int]
    source: str
    origin: str
    note: str
    comparable: bool
    fingerprint: str
    learned_from: str
    path: Path | None
    counts: dict[str, int]  # images in "train" (before validation is cut) and "test"
    read: Callable[[str], tuple[np.ndarray, np.ndarray]] = field(repr=False, compare=False)
    rows: np.ndarray = field(repr=False, compare=False)
    validation: float = 0.1  # share of the training images, per class

    @cached_property
    def _test(self) -> tuple[np.ndarray, np.ndarray]:
        return self.read("test")

    @cached_property
    def _train(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        images, labels = self.read("train")
        held, kept = cut(labels, self.validation, SEED)
        return images[kept], labels[kept], images[held], labels[held]

    @property
    def x_train(self) -> np.ndarray:
        return self._train[0]

    @property
    def y_train(self) -> np.ndarray:
        return self._train[1]

    @property
    def x_val(self) -> np.ndarray:
        return self._train[2]

    @property
    def y_val(self) -> np.ndarray:
        return self._train[3]

    @property
    def x_test(self) -> np.ndarray:
        return self._test[0]

    @property
    def y_test(self) -> np.ndarray:
        return self._test[1]


def cut(labels: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers (picked, left), both ascending: of each class, round(share * its count) rows are picked at random."""
    rng = np.random.default_rng(seed)
    picked = np.zeros(len(labels), bool)
    for label in np.unique(labels):
        rows = np.flatnonzero(labels == label)
        picked[rng.permutation(rows)[: round(share * len(rows))]] = True
    return np.flatnonzero(picked), np.flatnonzero(~picked)


def load(name: str, data_dir: str | Path | None = None) -> Dataset:
    """The data set `name` from data_dir, $AGILENN_DATA, the cache, the embedded sample or scikit-learn, in this order.

    Raises DataError for a file that is not sound or a set that is nowhere; UnknownName where no such set exists.
    """
    tried = []
    for label, folder in folders(data_dir):
        path = folder / f"{name}.npz"
        if path.is_file():
            if not re.fullmatch(NAME, name):
                raise DataError(f"{path}: name", expected="small letters, digits and _", got=name, do="rename the file")
            return from_file(name, path, "cache" if label == "cache" else "folder")
        if path.is_dir():
            raise DataError(f"{path}: it is a folder", expected="a file of images", do="rename it or move it away")
        tried.append(f"{path} ({label})")
    if name == "digits":
        return digits()
    if sample.has(name):
        return from_sample(name)
    if name not in NATIVE:
        raise UnknownName("data set", name, available(data_dir))
    do = f"run ./reproduce.sh data {name}" if name in KNOWN else "put the file there"
    raise DataError(f"no images of {name}", got=f"nothing at {', '.join(tried)}", do=f"{do}, or give --data-dir FOLDER")


def folders(data_dir: str | Path | None = None) -> list[tuple[str, Path]]:
    """(label, folder) pairs in which NAME.npz is looked for; first hit wins. Raises DataError for a missing folder."""
    found = []
    for label, value in (("--data-dir", data_dir), ("$AGILENN_DATA", os.environ.get("AGILENN_DATA"))):
        if value:
            folder = Path(os.path.expanduser(value))
            if not folder.is_dir():
                problem = "it is a file" if folder.exists() else "no such folder"
                raise DataError(f"{label} {str(value)!r}: {problem}", expected="a folder of NAME.npz files")
            found.append((label, folder))
    return [*found, ("cache", provenance.cache("datasets"))]


def available(data_dir: str | Path | None = None) -> list[str]:
    """Names of all data sets that load() can find or knows how to get."""
    files = {path.stem for _, folder in folders(data_dir) for path in folder.glob("[!.]*.npz") if path.is_file()}
    return sorted(files | set(KNOWN))


def from_file(name: str, path: Path, source: str) -> Dataset:
    """A data set from one .npz file. Raises DataError where it is damaged or not of the expected shape."""
    file = ImageFile(path)
    if name in NATIVE and file.shape != NATIVE[name]:
        raise DataError(f"{path}: images of the wrong shape", expected=NATIVE[name], got=file.shape)
    official = ("official", OFFICIAL_NOTES.get(name, "official split"), True)
    said = f"origin unknown: the file says {file.source[:60]!a}, not 'official'"
    unknown = (UNKNOWN[0], said, False) if file.source else UNKNOWN
    origin = official if file.source == "official" else ORIGINS.get(file.crc("x_test"), unknown)
    test, train = (f"{file.crc(f'x_{part}'):08x}{file.crc(f'y_{part}'):08x}" for part in ("test", "train"))
    rows = np.arange(file.counts["test"])
    return Dataset(name, file.classes, file.shape, source, *origin, test, train, path, file.counts, file.read, rows)


def from_sample(name: str) -> Dataset:
    """The embedded test images of cifar10 or cifar100; x_train and x_val are empty."""
    images, labels, rows, classes = sample.load(name)
    note = f"{len(images)} test images chosen by seed" + (f"; {RESPLIT_NOTE}" if name == "cifar100" else "")
    origin = ("sample", note, name != "cifar100")
    parts = {"train": (images[:0], labels[:0]), "test": (images, labels)}
    return in_memory(name, classes, "sample", origin, parts, rows)


def digits() -> Dataset:
    """scikit-learn's 1,797 handwritten digits, 8x8x1, 0..16 scaled to 0..255; 60 % train, 10 % validation, 30 % test.

    Source: Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI 1998 (its test part).
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images = ((bunch.images.astype(np.int64) * 255 + 8) // 16).astype(np.uint8)[..., None]
    labels = bunch.target.astype(np.int64)
    test, train = cut(labels, 0.3, SEED)
    parts = {"train": (images[train], labels[train]), "test": (images[test], labels[test])}
    origin = ("scikit-learn", "1,797 small handwritten digits, fixed split; not a data set of the paper", False)
    return in_memory("digits", tuple("0123456789"), "digits", origin, parts, test, validation=1 / 7)


def in_memory(
    name: str,
    classes: tuple[str, ...],
    source: str,
    origin: tuple[str, str, bool],
    parts: dict[str, tuple[np.ndarray, np.ndarray]],
    rows: np.ndarray,
    validation: float = 0.1,
) -> Dataset:
    """A data set whose arrays are here already; parts: split -> (images, labels)."""
    test, train = ("".join(f"{zlib.crc32(array.tobytes()):08x}" for array in parts[part]) for part in ("test", "train"))
    height, width, channels = parts["test"][0].shape[1:]
    counts = {split: len(pair[1]) for split, pair in parts.items()}
    shape = (height, width, channels)
    return Dataset(
        name, classes, shape, source, *origin, test, train, None, counts, parts.__getitem__, rows, validation
    )


def frame_shape(native: str | tuple[int, int, int], protocol: str) -> tuple[int, int, int]:
    """(H, W, C) of the camera frame. strong: native. paper: 3 x native up to 128 (32 -> 96, 8 -> 24, 64 -> 128)."""
    if isinstance(native, str):
        if native not in NATIVE:
            raise UnknownName("data set", native, NATIVE)
        native = NATIVE[native]
    if protocol == "strong":
        return native
    if protocol != "paper":
        raise UnknownName("protocol", protocol, ("paper", "strong"))
    height, width, channels = native
    return max(height, min(3 * height, 128)), max(width, min(3 * width, 128)), channels


def frames(images: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """uint8 (N, h, w, C) -> uint8 (N, H, W, C) by Pillow's BILINEAR (integers, the same on every machine)."""
    if images.shape[1:] == shape:
        return images
    height, width, channels = shape
    if images.shape[3] != channels:
        raise DataError("frames of another number of channels", expected=channels, got=images.shape[3])
    from PIL import Image

    out = np.empty((len(images), *shape), np.uint8)
    for i, image in enumerate(images if channels == 3 else images[..., 0]):
        out[i] = np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR)).reshape(shape)
    return out
