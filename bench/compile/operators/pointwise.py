"""CONV_2D of one pixel and few channels: the channels are unrolled, shifts become constants."""

from __future__ import annotations

import numpy as np

from bench.compile.kernel import Kernel, Site
from bench.compile.operators.weighted import zeros_after
from bench.compile.operators.window import Window
from bench.compile.quantization import Requantization

SHALLOW, NARROW = 8, 32  # most input channels whose pixels fit the registers; most output channels worth unrolling


def suits(shape: Window) -> bool:
    return shape.kernel == shape.stride == (1, 1) and shape.input[2] <= SHALLOW and shape.output[2] <= NARROW


def pointwise(
    site: Site, shape: Window, weights: np.ndarray, q: Requantization, limits: tuple[int, int], macs: int
) -> Kernel:
    """weights: [oc][ic]."""
    oc, ic = weights.shape
    words = quads(zeros_after(weights, 4) * np.int32(2 if q.folded else 1))
    sizes = f"{shape.pixels}, {ic}, {oc}, {int(site.takes_frame)}, {q.kind(limits[0])}, {limits[0]}, {limits[1]}"
    body = f"pointwise((const uint8_t *)in0, out, weights, shifts, {sizes});"
    rows = np.concatenate([q.records[:, :3].view(np.uint32), words], axis=1)
    return Kernel(body, {"weights": rows, "shifts": q.records[:, 3].astype(np.int8)}, macs=macs, size=200 + 70 * oc)


def quads(rows: np.ndarray) -> np.ndarray:
    """int32 weights as words of two int16 in the order that SXTB16 gives: (0, 2), (1, 3) of every four."""
    fours = rows.reshape(rows.shape[0], -1, 4)[..., [0, 2, 1, 3]].reshape(rows.shape[0], -1, 2) & 0xFFFF
    return (fours[..., 0] | fours[..., 1] << 16).astype(np.uint32)
