"""Compiled networks on the emulated board equal the reference, assembly included; the extractor stays fast."""

from __future__ import annotations

from pathlib import Path

import board_net
import models
import networks
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tflite_builder import reference

from bench.benchmarks.networks.chain import Chain
from bench.compile.lower import compile_net

GOLDEN = Path(__file__).parent / "golden" / "networks"
EXTRACTOR_CYCLES = 302_400  # 1.4 ms at 216 MHz
BATCH = 12  # models per program


@pytest.mark.parametrize(
    "name", ["extractor", "classifier", "mean_head", "chain separable", "chain resnet8", "wide mean"]
)
def test_board_equals_the_reference(name, tmp_path):
    path = tmp_path / "net.tflite"
    chains = {
        "chain separable": networks.separable,
        "chain resnet8": lambda: networks.resnet8(12),
        "wide mean": lambda: Chain((2, 2, 2304)).head(4).bytes(),  # its sums would fill the stack
    }
    path.write_bytes(chains[name]() if name in chains else (GOLDEN / f"{name}.tflite").read_bytes())
    net = compile_net(path, "n")
    values = np.random.default_rng(4).integers(-128, 128, net.inputs[0].shape).astype(np.int8)
    output, _ = board_net.run(net, values)
    assert np.array_equal(output, reference(path, values)[0])


@pytest.mark.parametrize("operator", ["conv2d", "depthwise", "1x1", "direct"])
def test_operator_on_the_board_equals_the_reference(operator, tmp_path):
    strategy = {
        "conv2d": models.convs(),
        "depthwise": models.convs(depthwise=True),
        "1x1": models.convs(shallow=True),
        "direct": models.convs(depthwise=True, separate=True),
    }[operator]

    @settings(max_examples=1, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(st.lists(strategy, min_size=BATCH, max_size=BATCH))
    def holds(batch):
        nets, values = [], [model.inputs()[0] for model in batch]
        for number, model in enumerate(batch):
            path = tmp_path / f"m{number}.tflite"
            path.write_bytes(model.data)
            nets.append(compile_net(path, f"n{number}"))
        for model, given_values, output in zip(batch, values, board_net.run_all(nets, values)[0], strict=True):
            assert np.array_equal(output, reference(model.data, given_values)[0]), model.what

    holds()


def test_paper_sized_extractor_is_exact_and_fast(tmp_path):
    path = tmp_path / "net.tflite"
    path.write_bytes(networks.extractor())
    net = compile_net(path, "n", uint8_input=True)
    frame = np.random.default_rng(5).integers(0, 256, net.inputs[0].shape).astype(np.uint8)
    output, cycles = board_net.run(net, frame)
    assert np.array_equal(output, reference(path, (frame ^ 0x80).view(np.int8))[0])
    assert sum(cycles.values()) < EXTRACTOR_CYCLES
