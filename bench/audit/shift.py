"""Test images as another camera might give them: four shifts of five severities, on uint8 images of native size.

The kinds are those of ImageNet-C (Hendrycks and Dietterich 2019); the strengths are our own, set for small images.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np

from bench import datasets

SEVERITIES = 5
STRENGTHS = {
    "noise": (8, 16, 26, 38, 52),  # standard deviation of Gaussian noise, of 255
    "blur": (0.4, 0.6, 0.8, 1.1, 1.5),  # standard deviation of a Gaussian, in pixels
    "contrast": (0.75, 0.55, 0.40, 0.28, 0.18),  # what remains of each pixel's distance from the image's mean
    "jpeg": (50, 30, 18, 10, 5),  # quality of Pillow's encoder
}


def shifted(images: np.ndarray, shift: str, severity: int) -> np.ndarray:
    """uint8 (N, H, W, C) -> the same shape; severity 1..5; the same result at every call."""
    return KINDS[shift](images, STRENGTHS[shift][severity - 1])


def noise(images: np.ndarray, strength: float) -> np.ndarray:
    rng = np.random.default_rng(datasets.SEED)
    return as_pixels(images + strength * rng.standard_normal(images.shape, np.float32))


def blur(images: np.ndarray, strength: float) -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    return as_pixels(gaussian_filter(images.astype(np.float32), (0, strength, strength, 0), mode="nearest"))


def contrast(images: np.ndarray, strength: float) -> np.ndarray:
    mean = images.mean(axis=(1, 2, 3), keepdims=True, dtype=np.float32)
    return as_pixels(mean + strength * (images - mean))


def jpeg(images: np.ndarray, strength: float) -> np.ndarray:
    from PIL import Image

    out = np.empty_like(images)
    for i, image in enumerate(images):
        file = io.BytesIO()
        Image.fromarray(image if image.shape[2] == 3 else image[..., 0]).save(file, "JPEG", quality=int(strength))
        out[i] = np.asarray(Image.open(file)).reshape(image.shape)
    return out


def as_pixels(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


KINDS: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {
    "noise": noise, "blur": blur, "contrast": contrast, "jpeg": jpeg,
}  # fmt: skip
