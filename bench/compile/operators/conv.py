"""CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED: weighted sums with per-channel requantization."""

from __future__ import annotations

import numpy as np

from bench.compile.kernel import Kernel, Site
from bench.compile.operators.window import Window, fused_range, window
from bench.compile.quantization import MAX_FACTOR, Requantization, requantization
from bench.compile.tflite import Value

SHALLOW, NARROW = 8, 32  # most input channels whose pixels fit the registers; most output channels worth unrolling
BAND_BYTES = 4096  # working memory of a depthwise layer


def conv2d(site: Site) -> Kernel:
    """Weights [oc][kh][kw][ic]; the kernel wants ic padded to a multiple of 4."""
    weights = _weights(site, 4, axis=0)
    oc, kh, kw, ic = weights.shape
    site.require(ic == site.input().shape[-1], "input channels", expected=ic, got=site.input().shape)
    shape = window(site, (kh, kw), oc)
    low, high = fused_range(site)
    q = _requantization(site, weights, axis=0)
    padded = -(-ic // 4) * 4
    macs = shape.pixels * oc * kh * kw * ic
    if (kh, kw) == shape.stride == (1, 1) and ic <= SHALLOW and oc <= NARROW:
        words = _quads(_zeros_after(_data(weights).reshape(oc, ic), padded - ic) * np.int32(2 if q.folded else 1))
        sizes = f"{shape.pixels}, {ic}, {oc}, {int(site.takes_frame)}, {int(q.folded)}, {low}, {high}"
        body = f"pointwise((const uint8_t *)in0, out, weights, shifts, {sizes});"
        rows = np.concatenate([q.records[:, :3].view(np.uint32), words], axis=1)
        return Kernel(body, {"weights": rows, "shifts": q.records[:, 3].astype(np.int8)}, macs=macs, size=200 + 70 * oc)
    constants = {"weights": _zeros_after(_data(weights), padded - ic), "channels": q.records}
    width = (shape.output[1] - 1) * shape.stride[1] + kw
    literal = shape.literal(_zero(site), site.takes_frame)
    body = f"conv2d(in0, out, weights, channels, scratch, {literal}, {int(q.folded)}, {low}, {high});"
    return Kernel(body, constants, macs=macs, scratch=2 * kh * width * padded, size=1700)


def depthwise(site: Site) -> Kernel:
    """Weights [1][kh][kw][oc], oc = multiplier * ic."""
    weights = _weights(site, 4, axis=3)
    one, kh, kw, oc = weights.shape
    ic = site.input().shape[-1]
    site.require(one == 1 and oc % ic == 0, "weight shape", expected=f"(1, h, w, multiple of {ic})", got=weights.shape)
    site.operator.option("depthMultiplier", (oc // ic,))
    shape = window(site, (kh, kw), oc)
    low, high = fused_range(site)
    q = _requantization(site, weights, axis=3)
    planes = np.ascontiguousarray(np.moveaxis(_data(weights)[0], 2, 0))
    literal = shape.literal(_zero(site), site.takes_frame)
    tail = f"{int(q.folded)}, {low}, {high});"
    macs = shape.pixels * oc * kh * kw
    doubled = planes * np.int32(2 if q.folded else 1)
    if shape.separate:
        body = f"depthwise_direct((const uint8_t *)in0, out, weights, channels, {literal}, {tail}"
        return Kernel(body, {"weights": _pairs(doubled.reshape(oc, -1)), "channels": q.records}, macs=macs, size=550)
    pairs = _pairs(doubled, odd_too=shape.stride[1] % 2 == 1)
    band, width = _band(shape)
    body = f"depthwise((const uint8_t *)in0, out, weights, channels, scratch, {literal}, {band}, {width}, {tail}"
    scratch = 2 * width * ((band - 1) * shape.stride[0] + kh)
    return Kernel(body, {"weights": pairs, "channels": q.records}, macs=macs, scratch=scratch, size=500 + 50 * kh * kw)


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
    return Kernel(body, {"weights": _data(weights), "channels": q.records}, macs=inputs * outputs, size=1000)


def _weights(site: Site, rank: int, axis: int) -> Value:
    weights = site.quantized(1)
    site.require(len(weights.shape) == rank, "rank of weights", expected=rank, got=weights.shape)
    site.require(
        len(weights.scale) == 1 or weights.axis == axis, "axis of weight scales", expected=axis, got=weights.axis
    )
    return weights


def _data(weights: Value) -> np.ndarray:
    assert weights.data is not None
    return weights.data


def _zero(site: Site) -> int:
    """Zero point of the raw input: 0 for the uint8 frame."""
    return site.input().offset + (128 if site.takes_frame else 0)


def _zeros_after(array: np.ndarray, count: int) -> np.ndarray:
    """More zeros at the end of the last axis."""
    return np.pad(array, [(0, 0)] * (array.ndim - 1) + [(0, count)])


def _pairs(rows: np.ndarray, odd_too: bool = False) -> np.ndarray:
    """int32 weights as words of two int16 along the last axis; odd_too: followed by the same after one leading zero."""
    starts = [rows, np.pad(rows, [(0, 0)] * (rows.ndim - 1) + [(1, 0)])] if odd_too else [rows]
    even = [_zeros_after(r, r.shape[-1] % 2) & 0xFFFF for r in starts]
    return np.concatenate([r[..., ::2] | r[..., 1::2] << 16 for r in even], axis=-1).astype(np.uint32)


def _quads(rows: np.ndarray) -> np.ndarray:
    """int32 weights as words of two int16 in the order that SXTB16 gives: (0, 2), (1, 3) of every four."""
    fours = rows.reshape(rows.shape[0], -1, 4)
    return _pairs(fours[..., [0, 2, 1, 3]].reshape(rows.shape[0], -1))


def _band(shape: Window) -> tuple[int, int]:
    """Output rows per band so that a widened band fits BAND_BYTES, and int16 values per widened row (even)."""
    (kh, kw), (sy, sx), (oh, ow, _) = shape.kernel, shape.stride, shape.output
    width = (-(-ow // 2) * 2 - 1) * sx + kw + 1
    width += width % 2
    rows = BAND_BYTES // (2 * width)
    return max(1, min(oh, (rows - kh) // sy + 1)), width


def _requantization(site: Site, weights: Value, axis: int) -> Requantization:
    others = tuple(i for i in range(len(weights.shape)) if i != axis)
    channels = weights.shape[axis]
    wide = _data(weights).astype(np.int64)
    step_in, step_out = site.input().step, site.output.step
    scales = np.broadcast_to(weights.scale, channels)
    factors = [step_in * float(scale) / step_out for scale in scales]
    site.require(max(factors) < MAX_FACTOR, "scales", expected=f"factor below {MAX_FACTOR}", got=f"{max(factors):.3g}")
    bias = site.bias(2, channels)
    return requantization(factors, bias, wide.sum(others), np.abs(wide).sum(others), _zero(site), site.output.offset)
