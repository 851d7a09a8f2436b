"""Training batches of which a part went through JPEG, so that the server's network knows what will arrive."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np

from bench.training.pipeline import Batches, unit

SHARE = 0.5  # of the images
QUALITY = (30, 95)  # uniform, both included


class Distorted(Batches):
    """As `Batches`. Pillow codes here: as the device does, but for roundings, and much faster than its Python twin."""

    def epoch(self, number: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        for i, (frames, labels) in enumerate(super().epoch(number)):
            rng = np.random.default_rng((self.seed, number, i, len(self)))
            pixels = np.rint(frames * 255).astype(np.uint8)
            for row in np.flatnonzero(rng.random(len(pixels)) < SHARE):
                pixels[row] = through_jpeg(pixels[row], int(rng.integers(QUALITY[0], QUALITY[1] + 1)))
            yield unit(pixels), labels


def through_jpeg(frame: np.ndarray, quality: int) -> np.ndarray:
    """uint8 (H, W, 1 or 3) coded with colours at half size and decoded."""
    from PIL import Image

    file = io.BytesIO()
    image = Image.fromarray(frame if frame.shape[2] == 3 else frame[..., 0])
    image.save(file, "JPEG", quality=quality, subsampling="4:2:0")
    return np.asarray(Image.open(file)).reshape(frame.shape)
