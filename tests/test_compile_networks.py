"""Whole networks: converter-made files and random chains, compiled for this computer, equal the reference bit for
bit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import host_net
import networks
import numpy as np
import pytest
from tflite_builder import ModelBuilder, options, reference

from bench.compile.lower import compile_net

GOLDEN = Path(__file__).parent / "golden" / "networks"
CHAINS = {"extractor": networks.extractor, "separable": networks.separable, "resnet8": lambda: networks.resnet8(8)}
FILES = ["extractor", "classifier", "mean_head"]


def shape_of(data: bytes, tmp_path) -> tuple[int, ...]:
    path = tmp_path / "shape.tflite"
    path.write_bytes(data)
    return compile_net(path, "s").inputs[0].shape


@pytest.mark.parametrize("uint8_input", [False, True])
@pytest.mark.parametrize("name", FILES)
def test_converted_network_equals_the_reference(name, uint8_input, tmp_path):
    equals_the_reference((GOLDEN / f"{name}.tflite").read_bytes(), uint8_input, tmp_path, frames=3)


@pytest.mark.parametrize(("name", "uint8_input"), [("extractor", True), ("separable", False), ("resnet8", False)])
def test_chain_of_layers_equals_the_reference(name, uint8_input, tmp_path):
    equals_the_reference(CHAINS[name](), uint8_input, tmp_path, frames=1)


def equals_the_reference(data: bytes, uint8_input: bool, tmp_path, frames: int) -> None:
    shape, rng = shape_of(data, tmp_path), np.random.default_rng(3)
    images = [rng.integers(0, 256, shape).astype(np.uint8) for _ in range(frames)]
    signed = [(f ^ 0x80).view(np.int8) for f in images]
    inputs = [[f if uint8_input else s] for f, s in zip(images, signed, strict=True)]
    for values, outputs in zip(signed, host_net.run([data] * frames, inputs, uint8_input), strict=True):
        (expected,) = reference(data, values)
        assert len(np.unique(expected)) > 2, "the test's network says nothing"
        assert np.array_equal(expected, outputs[0])


def test_a_frame_read_by_a_reshape_gets_its_own_layer():
    b = ModelBuilder()
    x, y = b.tensor((1, 2, 3, 1), 1 / 255, -128), b.tensor((1, 6), 1 / 255, -128)
    b.operator("RESHAPE", [x], [y], options("Reshape", newShape=[1, 6]))
    frame = np.arange(0, 252, 42, dtype=np.uint8).reshape(1, 2, 3, 1)
    ((output,),) = host_net.run([b.bytes([x], [y])], [[frame]], uint8_input=True)
    assert output.tolist() == [[v - 128 for v in frame.reshape(-1).tolist()]]


def test_reshape_and_in_place_layers_share_memory(tmp_path):
    path = tmp_path / "net.tflite"
    path.write_bytes(networks.separable())
    net = compile_net(path, "p")
    softmax = net.layers[-1]
    assert softmax.op == "SOFTMAX" and softmax.reads == softmax.writes
    assert all(f"p_{layer.name}(" in layer.call and layer.call.endswith(";") for layer in net.layers)


def test_an_input_that_is_still_needed_is_not_overwritten():
    """Two activations of the same tensor: the first must not work in place."""
    b = ModelBuilder()
    x = b.tensor((1, 50), 0.05, 3)
    a, c, d, e = (b.tensor((1, 50), s, z) for s, z in ((0.05, 3), (0.04, -5), (0.03, 9), (0.1, 0)))
    b.operator("RELU6", [x], [a])
    b.operator("RELU", [a], [c])
    b.operator("RELU6", [a], [d])
    b.operator("ADD", [c, d], [e], options("Add", potScaleInt16=True))
    data = b.bytes([x], [e, a])
    values = np.random.default_rng(1).integers(-128, 128, (1, 50)).astype(np.int8)
    for expected, output in zip(reference(data, values), host_net.run([data], [[values]])[0], strict=True):
        assert np.array_equal(expected, output)


def test_every_process_makes_the_same_source():
    """Python's hash seed differs from process to process."""
    program = "from pathlib import Path; from bench.compile.lower import compile_net; import hashlib, sys; "
    program += "print(hashlib.sha256(compile_net(Path(sys.argv[1]), 'n').declarations.encode()).hexdigest())"
    command = [sys.executable, "-c", program, str(GOLDEN / "extractor.tflite")]
    root = Path(__file__).parent.parent
    made = {
        subprocess.run(
            command, capture_output=True, text=True, check=True, cwd=root, env={**os.environ, "PYTHONHASHSEED": seed}
        ).stdout
        for seed in "123"
    }
    assert len(made) == 1
