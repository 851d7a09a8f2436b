"""Compiled networks on the emulated board equal the reference bit for bit; the extractor stays fast."""

from __future__ import annotations

from pathlib import Path

import board_net
import networks
import numpy as np
import pytest
from tflite_builder import reference

from bench.compile.lower import compile_net

GOLDEN = Path(__file__).parent / "golden" / "networks"
EXTRACTOR_CYCLES = 648_000  # 3 ms at 216 MHz


@pytest.mark.parametrize("name", ["extractor", "classifier", "mean_head", "chain separable", "chain resnet8"])
def test_board_equals_the_reference(name, tmp_path):
    path = tmp_path / "net.tflite"
    chains = {"chain separable": networks.separable, "chain resnet8": lambda: networks.resnet8(12)}
    path.write_bytes(chains[name]() if name in chains else (GOLDEN / f"{name}.tflite").read_bytes())
    net = compile_net(path, "n")
    values = np.random.default_rng(4).integers(-128, 128, net.inputs[0].shape).astype(np.int8)
    output, _ = board_net.run(net, values)
    assert np.array_equal(output, reference(path, values)[0])


def test_paper_sized_extractor_is_exact_and_fast(tmp_path):
    path = tmp_path / "net.tflite"
    path.write_bytes(networks.extractor())
    net = compile_net(path, "n", uint8_input=True)
    frame = np.random.default_rng(5).integers(0, 256, net.inputs[0].shape).astype(np.uint8)
    output, cycles = board_net.run(net, frame)
    assert np.array_equal(output, reference(path, (frame ^ 0x80).view(np.int8))[0])
    assert sum(cycles.values()) < EXTRACTOR_CYCLES
