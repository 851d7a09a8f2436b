"""One NAME.npz of images, checked. Headers and labels are read at once, images only when asked for."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from bench.errors import DataError

SPLITS = ("train", "test")
LAYOUT = "keys x_train, y_train, x_test, y_test, classes"


class ImageFile:
    """x_SPLIT: uint8 (N, H, W, 1 or 3); y_SPLIT: integers (N,) in 0..len(classes)-1; classes: str; perhaps source: str.

    Every method raises DataError, which names the file, for what is missing, damaged, or of another shape or type.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._members = self._directory()
        self.classes = self._names()
        self.source = self._said()
        self._labels = {split: self._checked_labels(split) for split in SPLITS}
        self.counts = {split: len(labels) for split, labels in self._labels.items()}
        shapes = {self._checked_shape(split) for split in SPLITS}
        if len(shapes) != 1:
            raise self._error("training and test images differ", "one shape", sorted(shapes))
        self.shape: tuple[int, int, int] = shapes.pop()

    def read(self, split: str) -> tuple[np.ndarray, np.ndarray]:
        """The images and labels of "train" or "test"."""
        return self._array(f"x_{split}"), self._labels[split]

    def crc(self, key: str) -> int:
        """CRC-32 of an array with its header, from the file's directory: nothing is read."""
        return self._members[key].CRC

    @contextmanager
    def _reading(self, what: str) -> Iterator[None]:
        """A damaged archive makes the readers raise nearly anything: all of it means the same to the user."""
        try:
            yield
        except PermissionError:
            raise
        except Exception as error:
            raise self._error(f"{what} cannot be read ({error})", LAYOUT, "a damaged or truncated file") from None

    def _directory(self) -> dict[str, zipfile.ZipInfo]:
        with self._reading("the archive"), zipfile.ZipFile(self.path) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        missing = [key for key in ("x_train", "y_train", "x_test", "y_test", "classes") if key not in members]
        if missing:
            raise self._error(f"{', '.join(missing)} missing", LAYOUT, f"keys {', '.join(sorted(members))}")
        return members

    def _array(self, key: str) -> np.ndarray:
        with self._reading(key), np.load(self.path, allow_pickle=False) as archive:
            array: np.ndarray = archive[key]
        return array

    def _header(self, key: str) -> tuple[tuple[int, ...], np.dtype]:
        """Shape and type of an array without its data."""
        readers = {1: np.lib.format.read_array_header_1_0, 2: np.lib.format.read_array_header_2_0}
        with self._reading(key), zipfile.ZipFile(self.path) as archive, archive.open(self._members[key]) as file:
            shape, _, dtype = readers[np.lib.format.read_magic(file)[0]](file)
        return shape, dtype

    def _names(self) -> tuple[str, ...]:
        names = self._array("classes")
        if names.ndim != 1 or names.dtype.kind not in "US" or len(names) < 2:
            raise self._error("classes", "two or more strings", f"{names.dtype} {names.shape}")
        return self._texts("classes", names)

    def _said(self) -> str:
        """What the file says of its origin; "" for nothing."""
        if "source" not in self._members:
            return ""
        shape, dtype = self._header("source")
        if dtype.kind not in "US":
            raise self._error("source", "a string, such as 'official'", f"{dtype} {shape}")
        return ", ".join(self._texts("source", self._array("source").reshape(-1)))

    def _texts(self, key: str, array: np.ndarray) -> tuple[str, ...]:
        with self._reading(key):
            return tuple(text.decode() if isinstance(text, bytes) else str(text) for text in array)

    def _checked_labels(self, split: str) -> np.ndarray:
        key, top = f"y_{split}", len(self.classes) - 1
        labels = self._array(key)
        if labels.ndim == 2 and labels.shape[1] == 1:
            labels = labels[:, 0]
        if labels.dtype.kind not in "iu":
            bad = int(np.isnan(labels).sum()) if labels.dtype.kind == "f" else 0
            got = f"{labels.dtype}" + (f" with {bad} NaN" if bad else "")
            raise self._error(f"labels {key}", f"integers 0..{top}", got)
        if labels.ndim != 1 or not len(labels):
            raise self._error(f"labels {key}", "one label an image", f"shape {labels.shape}")
        if labels.min() < 0 or labels.max() > top:
            raise self._error(f"labels {key}", f"integers 0..{top}", f"{labels.min()}..{labels.max()}")
        return labels.astype(np.int64)

    def _checked_shape(self, split: str) -> tuple[int, int, int]:
        key, count = f"x_{split}", self.counts[split]
        shape, dtype = self._header(key)
        if dtype != np.uint8 or len(shape) != 4 or shape[3] not in (1, 3):
            raise self._error(f"images {key}", "uint8 (N, H, W, 1 or 3)", f"{dtype} {shape}")
        if shape[0] != count:
            raise self._error(f"{key} and y_{split} differ in length", f"{count} images", shape[0])
        return shape[1], shape[2], shape[3]

    def _error(self, problem: str, expected: object, got: object) -> DataError:
        return DataError(f"{self.path}: {problem}", expected=expected, got=got, do="make or download the file again")
