"""CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED: weighted sums with per-channel requantization."""

from __future__ import annotations

import numpy as np

from bench.compile.kernel import Kernel, Site
from bench.compile.operators.window import Window, fused_range, window
from bench.compile.quantization import Requantization, requantization
from bench.compile.tflite import Value


def conv2d(site: Site) -> Kernel:
    """Weights [oc][kh][kw][ic]."""
    weights = _weights(site, 4, axis=0)
    oc, kh, kw, ic = weights.shape
    site.require(ic == site.input().shape[-1], "input channels", expected=ic, got=site.input().shape)
    shape = window(site, (kh, kw), oc)
    return _windowed(site, "conv2d", weights, shape, axis=0, macs=shape.pixels * oc * kh * kw * ic)


def depthwise(site: Site) -> Kernel:
    """Weights [1][kh][kw][oc], oc = multiplier * ic."""
    weights = _weights(site, 4, axis=3)
    one, kh, kw, oc = weights.shape
    ic = site.input().shape[-1]
    site.require(one == 1 and oc % ic == 0, "weight shape", expected=f"(1, h, w, multiple of {ic})", got=weights.shape)
    site.operator.option("depthMultiplier", (oc // ic,))
    shape = window(site, (kh, kw), oc)
    return _windowed(site, "depthwise", weights, shape, axis=3, macs=shape.pixels * oc * kh * kw)


def fully_connected(site: Site) -> Kernel:
    """Weights [outputs][inputs]."""
    weights = _weights(site, 2, axis=0)
    outputs, inputs = weights.shape
    site.operator.option("weightsFormat", (0,))
    site.require(
        int(np.prod(site.input().shape)) == inputs, "inputs (batch 1)", expected=inputs, got=site.input().shape
    )
    site.require(int(np.prod(site.output.shape)) == outputs, "outputs", expected=outputs, got=site.output.shape)
    low, high = fused_range(site)
    q = _requantization(site, weights, axis=0)
    body = f"fully_connected(in0, out, weights, channels, {inputs}, {outputs}, {int(q.folded)}, {low}, {high});"
    assert weights.data is not None
    return Kernel(body, {"weights": weights.data, "channels": q.records}, macs=inputs * outputs)


def _weights(site: Site, rank: int, axis: int) -> Value:
    weights = site.quantized(1)
    site.require(len(weights.shape) == rank, "rank of weights", expected=rank, got=weights.shape)
    site.require(
        len(weights.scale) == 1 or weights.axis == axis, "axis of weight scales", expected=axis, got=weights.axis
    )
    return weights


def _requantization(site: Site, weights: Value, axis: int) -> Requantization:
    assert weights.data is not None
    others = tuple(i for i in range(len(weights.shape)) if i != axis)
    channels = weights.shape[axis]
    wide = weights.data.astype(np.int64)
    step_in, step_out = site.input().step, site.output.step
    scales = np.broadcast_to(weights.scale, channels)
    factors = [step_in * float(scale) / step_out for scale in scales]
    zero = site.input().offset + (128 if site.takes_frame else 0)
    bias = site.bias(2, channels)
    return requantization(factors, bias, wide.sum(others), np.abs(wide).sum(others), zero, site.output.offset)


def _windowed(site: Site, function: str, weights: Value, shape: Window, axis: int, macs: int) -> Kernel:
    low, high = fused_range(site)
    q = _requantization(site, weights, axis)
    zero = site.input().offset + (128 if site.takes_frame else 0)
    literal = shape.literal(zero, site.takes_frame)
    body = f"{function}(in0, out, weights, channels, {literal}, {int(q.folded)}, {low}, {high});"
    assert weights.data is not None
    return Kernel(body, {"weights": weights.data, "channels": q.records}, macs=macs)
