"""ADD, RELU and RELU6: each output value depends on the inputs at its own place."""

from __future__ import annotations

import numpy as np

from bench.compile.kernel import Kernel, Site
from bench.compile.operators.window import fused_range
from bench.compile.quantization import activation_range, multiplier, scale_twice

RELU, RELU6 = 1, 3  # schema codes of the activations


def add(site: Site) -> Kernel:
    """Both inputs are brought to twice the larger scale with 20 extra bits, added, brought to the output's scale."""
    a, b, out = site.input(0), site.input(1), site.output
    site.require(
        a.shape == b.shape == out.shape, "shapes (no broadcasting)", expected=out.shape, got=(a.shape, b.shape)
    )
    low, high = fused_range(site)
    largest = 2 * max(a.step, b.step)
    sums = multiplier(largest / ((1 << 20) * out.step))
    site.require(sums[1] <= 0, "output scale", expected=f"more than {largest / (1 << 20):.3g}", got=out.step)
    terms = [(a.offset, *multiplier(a.step / largest)), (b.offset, *multiplier(b.step / largest)), (out.offset, *sums)]
    literals = ", ".join(f"(struct addend){{{zero}, {mult}, {-shift}}}" for zero, mult, shift in terms)
    return Kernel(f"add(in0, in1, out, {int(np.prod(out.shape))}, {literals}, {low}, {high});", inplace=True, size=370)


def relu(site: Site) -> Kernel:
    return _activation(site, RELU)


def relu6(site: Site) -> Kernel:
    return _activation(site, RELU6)


def _activation(site: Site, code: int) -> Kernel:
    a, b = site.input(), site.output
    site.require(a.shape == b.shape, "output shape", expected=a.shape, got=b.shape)
    limits = activation_range(code, b.step, b.offset)
    assert limits is not None
    mult, shift = multiplier(a.step / b.step)
    values = [b.offset + scale_twice(x - a.offset, mult, shift) for x in range(-128, 128)]
    table = np.clip(values, *limits).astype(np.int8)
    return Kernel(f"look_up(in0, out, table, {int(np.prod(b.shape))});", {"table": table}, inplace=True, size=60)
