"""Batches of camera frames: augmented at the data set's native size, then resized exactly as for the device.

A batch is a function of (seed, epoch, number) alone: a resumed run sees the same images as an uninterrupted one.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bench import datasets

MIRRORED = frozenset({"cifar10", "cifar100", "imagenet200"})  # sets whose classes a left-right flip keeps


def augment(images: np.ndarray, rng: np.random.Generator, flip: bool) -> np.ndarray:
    """uint8 (N, H, W, C): mirrored padding of H / 8 on each side, random crop to (H, W), and a flip of about half."""
    count, height, width, _ = images.shape
    pad = height // 8
    padded = np.pad(images, ((0, 0), (pad, pad), (pad, pad), (0, 0)), mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(1, 2))
    rows, columns = rng.integers(0, 2 * pad + 1, (2, count))
    out = windows[np.arange(count), rows, columns].transpose(0, 2, 3, 1)
    flipped = np.logical_and(rng.random(count) < 0.5, flip)
    return np.where(flipped.reshape(-1, 1, 1, 1), out[:, :, ::-1], out)


class Batches:
    """Training batches of one data set, epoch by epoch."""

    def __init__(self, data: datasets.Dataset, shape: tuple[int, int, int], batch: int, seed: int) -> None:
        self.data, self.shape, self.batch, self.seed = data, shape, batch, seed

    def __len__(self) -> int:
        return len(self.data.y_train) // self.batch

    def epoch(self, number: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """(float32 frames in [0, 1] (B, *shape), int64 labels (B,)) in order; the last, partial batch is left out."""
        order = np.random.default_rng((self.seed, number)).permutation(len(self.data.y_train))
        for i in range(len(self)):
            rows = order[i * self.batch : (i + 1) * self.batch]
            rng = np.random.default_rng((self.seed, number, i))
            images = augment(self.data.x_train[rows], rng, self.data.name in MIRRORED)
            yield unit(datasets.frames(images, self.shape)), self.data.y_train[rows]


def unit(frames: np.ndarray) -> np.ndarray:
    """uint8 frames -> float32 in [0, 1]: the device's input quantization (scale 1/255)."""
    return frames.astype(np.float32) / np.float32(255)
