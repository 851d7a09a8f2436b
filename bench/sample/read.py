"""Reads the embedded sample: NAME.png is a mosaic of test images, NAME.json says which they are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from bench.errors import DataError

HERE = Path(__file__).resolve().parent


def has(name: str) -> bool:
    return (HERE / f"{name}.json").is_file()


def load(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[str, ...]]:
    """Images uint8 (N, H, W, 3), labels int64 (N,), rows in the test split (N,), class names. Raises DataError."""
    from PIL import Image

    try:
        about = json.loads((HERE / f"{name}.json").read_text())
        mosaic = np.asarray(Image.open(HERE / f"{name}.png").convert("RGB"))
        images = untile(mosaic, len(about["labels"]), about["side"])
        labels, rows = (np.asarray(about[key], np.int64) for key in ("labels", "rows"))
        return images, labels, rows, tuple(about["classes"])
    except (OSError, ValueError, KeyError) as error:
        problem = f"embedded sample {HERE / name}: damaged ({error})"
        raise DataError(problem, do="restore it: git checkout bench/sample") from None


def tile(images: np.ndarray, columns: int) -> np.ndarray:
    """(N, s, s, 3) -> (rows * s, columns * s, 3), row by row; N is a multiple of columns."""
    count, side = images.shape[:2]
    grid = images.reshape(count // columns, columns, side, side, 3)
    return np.ascontiguousarray(grid.transpose(0, 2, 1, 3, 4).reshape(count // columns * side, columns * side, 3))


def untile(mosaic: np.ndarray, count: int, side: int) -> np.ndarray:
    """The inverse of `tile`."""
    height, width = mosaic.shape[:2]
    if height * width != count * side * side:
        raise ValueError(f"a mosaic of {height}x{width} does not hold {count} images")
    grid = mosaic.reshape(height // side, side, width // side, side, 3)
    return np.ascontiguousarray(grid.transpose(0, 2, 1, 3, 4).reshape(count, side, side, 3))
