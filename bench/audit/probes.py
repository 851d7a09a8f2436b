"""A linear probe: what a plain classifier reads in some of the channels."""

from __future__ import annotations

import numpy as np

GRID = 4  # maps are averaged to 4 x 4
IMAGES = 4000  # training images that it learns from


def pooled(features: np.ndarray) -> np.ndarray:
    """(N, H, W, C) -> (N, GRID * GRID * C): averages over equal windows; a rest at the right and bottom is left out."""
    count, height, width, channels = features.shape
    rows, columns = height // GRID, width // GRID
    cells = features[:, : rows * GRID, : columns * GRID].reshape(count, GRID, rows, GRID, columns, channels)
    return cells.mean(axis=(2, 4), dtype=np.float32).reshape(count, -1)


def linear(train: np.ndarray, labels: np.ndarray, test: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """(M,) bool: which of the test features a logistic regression on the training features classifies rightly."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=200))
    model.fit(pooled(train), labels)
    return np.asarray(model.predict(pooled(test)) == truth)
