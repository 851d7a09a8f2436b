"""Files that cannot be compiled are refused with one clear error, never with a traceback."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from deployments import Network, agilenn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tflite_builder import ModelBuilder, options

from bench.compile import stages
from bench.compile.lower import compile_net, supported
from bench.errors import CompileError


def small_model(op: str = "CONV_2D", scale_in: float = 1 / 255, **changes) -> bytes:
    b = ModelBuilder()
    rng = np.random.default_rng(1)
    x = b.tensor(changes.get("shape", (1, 4, 4, 2)), scale_in, -128, dtype=changes.get("dtype", "int8"))
    w = b.tensor((3, 1, 1, 2), [0.1, 0.2, 0.3], changes.get("zero", 0), rng.integers(-127, 127, (3, 1, 1, 2)))
    bias = b.tensor((3,), [0.1 / 255, 0.2 / 255, 0.3 / 255], 0, [1, 2, 3], dtype="int32")
    y = b.tensor((1, 4, 4, 3), 0.05, 3)
    b.operator(op, [x, w, bias], [y], options("Conv2D", **({"strideH": 1, "strideW": 1} | changes.get("options", {}))))
    return b.bytes([x], [changes.get("output", y)])


def compile_bytes(tmp_path, data: bytes, uint8_input: bool = False):
    path = tmp_path / "net.tflite"
    path.write_bytes(data)
    return compile_net(path, "n", uint8_input)


def test_the_small_model_itself_compiles(tmp_path):
    net = compile_bytes(tmp_path, small_model(), uint8_input=True)
    assert net.macs == 4 * 4 * 3 * 2 and net.inputs[0].dtype == "uint8" and net.outputs[0].shape == (1, 4, 4, 3)
    assert net.weights >= 6 + 3 * 4


@pytest.mark.parametrize("op", ["BATCH_MATMUL", "STRIDED_SLICE", "TRANSPOSE_CONV", "CUSTOM"])
def test_an_unknown_operator_is_refused_by_name(tmp_path, op):
    with pytest.raises(CompileError) as caught:
        compile_bytes(tmp_path, small_model(op))
    assert all(name in str(caught.value) for name in [op, *supported()])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"dtype": "float32"}, "float32"),
        ({"zero": 4}, "zero points"),
        ({"shape": (2, 4, 4, 2)}, "batch"),
        ({"shape": (1, 4, 4, 5)}, "input channels"),
        ({"shape": (1, 5, 4, 2)}, "output shape"),
        ({"options": {"dilationHFactor": 2}}, "dilation"),
        ({"options": {"strideH": 0}}, "stride"),
        ({"options": {"fusedActivationFunction": 4}}, "activation"),
        ({"options": {"padding": 7}}, "padding"),
        ({"output": 99}, "outputs"),
    ],
)
def test_what_cannot_run_is_named(tmp_path, changes, said):
    with pytest.raises(CompileError, match=said):
        compile_bytes(tmp_path, small_model(**changes))


def test_the_frame_needs_the_cameras_quantization(tmp_path):
    with pytest.raises(CompileError, match="1/255"):
        compile_bytes(tmp_path, small_model(scale_in=0.01), uint8_input=True)


def test_files_that_are_not_there_or_not_tflite(tmp_path):
    with pytest.raises(CompileError, match="cannot be read"):
        compile_net(tmp_path / "none.tflite", "n")
    for data in (b"", b"hello", b"\x89PNG....", b"\x00" * 4096, small_model().replace(b"TFL3", b"TFL2")):
        with pytest.raises(CompileError, match="not a TensorFlow Lite file"):
            compile_bytes(tmp_path, data)


@pytest.mark.parametrize("damage", ["junk", "cut", "empty", "another"])
def test_a_damaged_file_is_named_by_the_python_twin_too(tmp_path, damage):
    deployment = agilenn(tmp_path)
    path = tmp_path / "extractor.tflite"
    whole = path.read_bytes()
    Network((5, 5, 2), 1 / 255, -128, 1).conv(4, 3, 1).save(path)
    another = {"junk": b"hello" * 100, "cut": whole[: len(whole) // 2], "empty": b"", "another": path.read_bytes()}
    path.write_bytes(another[damage])
    with pytest.raises(CompileError, match=r"extractor\.tflite: damaged .*; restore or train"):
        stages.simulate(deployment, np.zeros(deployment.frame, np.uint8), lambda payload: b"")


def test_every_truncation_is_refused(tmp_path):
    data = small_model()
    for length in range(0, len(data) - 3, 4):
        with pytest.raises(CompileError):
            compile_bytes(tmp_path, data[:length])


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.integers(8, len(small_model()) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_flipped_bytes_compile_or_are_refused(tmp_path_factory, flips):
    data = bytearray(small_model())
    for position, value in flips:
        data[position] ^= value
    with contextlib.suppress(CompileError):
        compile_bytes(tmp_path_factory.getbasetemp(), bytes(data))
