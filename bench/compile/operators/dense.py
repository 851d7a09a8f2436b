"""FULLY_CONNECTED: weighted sums of all inputs."""

from __future__ import annotations

import numpy as np

from bench.compile.kernel import Kernel, Site
from bench.compile.operators.weighted import data_of, requantization_of, weights_of
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
    body = f"fully_connected(in0, out, weights, channels, {inputs}, {outputs}, {int(q.folded)}, {low}, {high});"
    return Kernel(body, {"weights": data_of(weights), "channels": q.records}, macs=inputs * outputs, size=1000)
