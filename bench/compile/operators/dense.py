"""FULLY_CONNECTED: weighted sums of all inputs."""

from __future__ import annotations

import numpy as np

from bench.compile.kernel import Kernel, Site
from bench.compile.operators.weighted import data_of, requantization_of, weights_of, zeros_after
from bench.compile.operators.window import fused_range


def fully_connected(site: Site) -> Kernel:
    """Weights [outputs][inputs]."""
    weights = weights_of(site, 2, axis=0)
    outputs, inputs = weights.shape
    site.operator.option("weightsFormat", (0,))
    site.require(
        int(np.prod(site.input().shape)) == inputs, "inputs (batch 1)", expected=inputs, got=site.input().shape
    )
    site.require(int(np.prod(site.output.shape)) == outputs, "outputs", expected=outputs, got=site.output.shape)
    low, high = fused_range(site)
    q = requantization_of(site, weights, axis=0)
    padded = zeros_after(data_of(weights), 4)
    sizes = f"{inputs}, {outputs}, {q.kind(low)}, {low}, {high}"
    return Kernel(
        f"fully_connected((const uint8_t *)in0, out, weights, channels, scratch, {sizes});",
        {"weights": padded, "channels": q.records},
        macs=inputs * outputs,
        scratch=2 * padded.shape[1],
        size=600,
    )
