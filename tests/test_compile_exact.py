"""Every operator, over random shapes, strides, paddings and quantizations, equals the TFLite reference bit for bit."""

from __future__ import annotations

import host_net
import models
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tflite_builder import reference

BATCH = 30  # models per C compilation
STRATEGIES = {
    "conv2d": models.convs(),
    "depthwise": models.convs(depthwise=True),
    "1x1 of few channels": models.convs(shallow=True),
    "depthwise of separate windows": models.convs(depthwise=True, separate=True),
    "conv2d of the frame": models.convs(frame=True),
    "depthwise of the frame": models.convs(depthwise=True, frame=True),
    "fully_connected": models.dense(),
    "average_pool": models.pools(),
    "max_pool": models.pools("MAX_POOL_2D"),
    "mean": models.means(),
    "add": models.adds(),
    "relu": models.activations(),
    "pad": models.pads(),
    "softmax": models.softmaxes(),
}


def check(batch: list[models.Model], frames: bool) -> None:
    inputs = [m.inputs() for m in batch]
    given = [[(x ^ -128).view(np.uint8) for x in values] if frames else values for values in inputs]
    got = host_net.run([m.data for m in batch], given, frames, sanitize=False)
    for model, values, outputs in zip(batch, inputs, got, strict=True):
        for expected, output in zip(reference(model.data, *values), outputs, strict=True):
            assert np.array_equal(expected, output), (
                f"{model.what}: {np.sum(expected != output)} of {expected.size} differ"
            )


@pytest.mark.parametrize("operator", STRATEGIES)
def test_operator_equals_the_reference(operator):
    @settings(max_examples=2, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(st.lists(STRATEGIES[operator], min_size=BATCH, max_size=BATCH))
    def holds(batch):
        check(batch, frames="frame" in operator)

    holds()
