"""What layers with weights share: checks, requantization, weights in the order in which the kernels widen them."""

from __future__ import annotations

import numpy as np

from bench.compile.kernel import Site
from bench.compile.quantization import MAX_FACTOR, Requantization, requantization
from bench.compile.tflite import Value


def weights_of(site: Site, rank: int, axis: int) -> Value:
    """The weights; scales per tensor or along `axis`."""
    weights = site.quantized(1)
    site.require(len(weights.shape) == rank, "rank of weights", expected=rank, got=weights.shape)
    site.require(
        len(weights.scale) == 1 or weights.axis == axis, "axis of weight scales", expected=axis, got=weights.axis
    )
    return weights


def data_of(weights: Value) -> np.ndarray:
    assert weights.data is not None
    return weights.data


def zero_of(site: Site) -> int:
    """Zero point of the raw input: 0 for the uint8 frame."""
    return site.input().offset + (128 if site.takes_frame else 0)


def zeros_after(array: np.ndarray, multiple: int) -> np.ndarray:
    """Zeros at the end of the last axis, up to a multiple."""
    return np.pad(array, [(0, 0)] * (array.ndim - 1) + [(0, -array.shape[-1] % multiple)])


def requantization_of(site: Site, weights: Value, axis: int) -> Requantization:
    others = tuple(i for i in range(len(weights.shape)) if i != axis)
    channels = weights.shape[axis]
    wide = data_of(weights).astype(np.int64)
    step_in, step_out = site.input().step, site.output.step
    scales = np.broadcast_to(weights.scale, channels)
    factors = [step_in * float(scale) / step_out for scale in scales]
    site.require(max(factors) < MAX_FACTOR, "scales", expected=f"factor below {MAX_FACTOR}", got=f"{max(factors):.3g}")
    bias = site.bias(2, channels)
    return requantization(factors, bias, wide.sum(others), np.abs(wide).sum(others), zero_of(site), site.output.offset)
