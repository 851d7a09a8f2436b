"""Keras networks -> TFLite: full int8 for the device, float32 computation with float16 weights for the server.

Every exported file has batch size 1; a device file has only the operators that the network compiler accepts.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Set
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from bench.errors import CompileError
from bench.files import replace
from bench.training.backend import keras, quiet, tf
from bench.training.pipeline import unit

SUPPORTED = frozenset(
    "CONV_2D DEPTHWISE_CONV_2D FULLY_CONNECTED AVERAGE_POOL_2D MEAN ADD RELU6 RESHAPE PAD SOFTMAX".split()
)
SERVER = SUPPORTED | set(  # a float file's; weights are float16
    "BATCH_MATMUL DEQUANTIZE MAX_POOL_2D MUL REDUCE_MAX RELU TANH TRANSPOSE_CONV".split()
)
CALIBRATION = 512  # training images from which activation ranges are taken


def frame_network(model: Any, frames: np.ndarray, path: Path) -> None:
    """int8 file of a network that reads the camera (input scale 1/255, zero -128); frames: uint8 (N, H, W, C)."""
    samples = unit(frames)
    spans = frames.min() == 0 and frames.max() == 255
    int8(model, samples if spans else _with_ends(samples, 0.0, 1.0), path)
    require_input(path, 1 / 255, -128)


def chained(model: Any, samples: np.ndarray, before: Path, path: Path) -> None:
    """int8 file of a network whose input has exactly the scale and zero point of the output of the file `before`.

    samples: float32 values of that output as the int8 file gives them.
    """
    scale, zero = quantization(before)[1]
    int8(model, _with_ends(samples, (-128 - zero) * scale, (127 - zero) * scale), path)
    require_input(path, scale, zero)


def _with_ends(samples: np.ndarray, low: float, high: float) -> np.ndarray:
    """The samples and one more that has the ends of the input's range in two pixels: the ranges behind hardly move."""
    extremes = samples[:1].copy()
    extremes.flat[:2] = low, high
    return np.concatenate([samples, extremes])


def require_input(path: Path, scale: float, zero: int) -> None:
    """Raises CompileError where the file's input quantization is another one (scale: 1e-5 relative)."""
    got = quantization(path)[0]
    if abs(got[0] / scale - 1) > 1e-5 or got[1] != zero:
        raise CompileError(f"{path.name}: wrong input quantization", expected=(scale, zero), got=got)


def int8(model: Any, samples: np.ndarray, path: Path) -> None:
    """Full-integer file of a network; its ranges come from float32 samples (N, *input shape). Int8 input and output."""

    def representative() -> Iterator[list[np.ndarray]]:
        for sample in samples:
            yield [sample[None].astype(np.float32)]

    converter = _converter(model, samples.shape[1:])
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    _write(converter, path, SUPPORTED)


def server(model: Any, shape: tuple[int, ...], path: Path) -> None:
    """Float file with float16 weights; input and output float32."""
    converter = _converter(model, shape)
    converter.target_spec.supported_types = [tf.float16]
    _write(converter, path, SERVER)


def _converter(model: Any, shape: tuple[int, ...]) -> Any:
    if (backend := keras.backend.backend()) != "tensorflow":
        raise CompileError(
            "TFLite files are made by TensorFlow alone", expected="KERAS_BACKEND=tensorflow", got=backend,
            do="what was trained is kept: run the same command again with that",
        )  # fmt: skip
    call = tf.function(lambda x: model(x, training=False), autograph=False)
    concrete = call.get_concrete_function(tf.TensorSpec((1, *shape), tf.float32))
    # without a trackable object, variables become constants
    converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    return converter


def _write(converter: Any, path: Path, allowed: Set[str]) -> None:
    with quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the converter's remarks on its own options
        content = converter.convert()
    if strange := operators(content) - allowed:
        raise CompileError(f"{path.name}: operators {sorted(strange)}", expected=f"only {sorted(allowed)}")
    replace(path, content)


def as_int8(frames: np.ndarray) -> np.ndarray:
    """uint8 frames as the int8 input of scale 1/255 and zero -128."""
    return (frames ^ 0x80).view(np.int8)


def reference(path: Path) -> Interpreter:
    """The bit-exact interpreter of a file, allocated."""
    with quiet():
        runner = Interpreter(str(path), experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
        runner.allocate_tensors()
    return runner


def operators(content: bytes) -> set[str]:
    """Names of the operators in a file's content."""
    with quiet():
        runner = Interpreter(model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    return {detail["op_name"] for detail in runner._get_ops_details()}


def quantization(path: Path) -> tuple[tuple[float, int], tuple[float, int]]:
    """((input scale, zero), (output scale, zero)) of an int8 file."""
    runner = reference(path)
    return runner.get_input_details()[0]["quantization"], runner.get_output_details()[0]["quantization"]


def run(path: Path, inputs: np.ndarray) -> np.ndarray:
    """int8 (N, *shape) -> int8 (N, ...) through the reference interpreter, one by one."""
    runner = reference(path)
    source, sink = runner.get_input_details()[0]["index"], runner.get_output_details()[0]["index"]
    out = []
    for item in inputs:
        runner.set_tensor(source, item[None])
        runner.invoke()
        out.append(runner.get_tensor(sink)[0])
    return np.stack(out)
