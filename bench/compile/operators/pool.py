"""AVERAGE_POOL_2D, MAX_POOL_2D and MEAN over height and width."""

from __future__ import annotations

import numpy as np

from bench.compile.kernel import Kernel, Site
from bench.compile.operators.window import fused_range, window
from bench.compile.quantization import MAX_FACTOR, multiplier


def average_pool(site: Site) -> Kernel:
    return _pool(site, "average_pool")


def max_pool(site: Site) -> Kernel:
    return _pool(site, "max_pool")


def _pool(site: Site, function: str) -> Kernel:
    site.same_quantization()
    kernel = (int(site.operator.option("filterHeight")), int(site.operator.option("filterWidth")))
    shape = window(site, kernel, site.input().shape[-1])
    low, high = fused_range(site)
    return Kernel(f"{function}(in0, out, {shape.literal()}, {low}, {high});")


def mean(site: Site) -> Kernel:
    """The reference folds the division into the multiplier, with as many extra bits as fit. Reads a map's first
    channels where they lie.
    """
    a, b = site.input(), site.output
    axes = sorted(int(axis) % len(a.shape) for axis in site.constant(1, "int32").reshape(-1))
    site.require(len(a.shape) == 4 and axes == [1, 2], "axes of mean", expected="height and width of NHWC", got=axes)
    pixels, channels = a.shape[1] * a.shape[2], a.shape[3]
    site.require(int(np.prod(b.shape)) == channels, "output shape", expected=(1, channels), got=b.shape)
    factor = a.step / b.step
    site.require(factor < MAX_FACTOR, "scales", expected=f"factor below {MAX_FACTOR}", got=f"{factor:.3g}")
    mult, shift = multiplier(factor)
    extra = min(pixels.bit_length() - 1, 32, 31 + shift)
    mult, shift = (mult << extra) // pixels, shift - extra
    stride = site.stride or channels
    call = f"mean(in0, out, {pixels}, {channels}, {stride}, {a.offset}, {mult}, {shift}, {b.offset}, scratch);"
    return Kernel(call, scratch=-(-channels // 4) * 16)  # a sum of four bytes each
