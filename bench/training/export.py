"""Keras networks -> TFLite: full int8 for the device, float32 computation with float16 weights for the server.

Every exported file has batch size 1 and only the operators that the network compiler accepts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bench.errors import CompileError
from bench.training.backend import quiet, tensorflow

SUPPORTED = frozenset(
    "CONV_2D DEPTHWISE_CONV_2D FULLY_CONNECTED AVERAGE_POOL_2D MEAN ADD RELU6 RESHAPE PAD SOFTMAX".split()
)
CALIBRATION = 512  # training images from which activation ranges are taken


def int8(model: Any, samples: np.ndarray, path: Path) -> None:
    """Full-integer file of a network; its ranges come from float32 samples (N, *input shape). Input and output are int8."""
    tf = tensorflow()

    def representative() -> Any:
        for sample in samples:
            yield [sample[None].astype(np.float32)]

    converter = _converter(model, samples.shape[1:])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = representative
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    _write(converter, path)


def frame_network(model: Any, frames: np.ndarray, path: Path) -> None:
    """int8 file of a network that reads the camera: uint8 training frames (N, H, W, C), input scale 1/255, zero -128."""
    if frames.min() != 0 or frames.max() != 255:
        raise CompileError(
            f"{path.name}: calibration frames do not span the camera's range",
            expected="values from 0 to 255", got=f"{frames.min()} to {frames.max()}", do="calibrate with more images",
        )  # fmt: skip
    # the extremes come first so that the range is theirs whatever follows
    samples = frames.astype(np.float32) / np.float32(255)
    int8(model, samples, path)
    scale, zero = quantization(path)[0]
    if abs(scale * 255 - 1) > 1e-5 or zero != -128:
        raise CompileError(f"{path.name}: wrong input quantization", expected="1/255, zero -128", got=(scale, zero))


def chained(model: Any, samples: np.ndarray, before: Path, path: Path) -> None:
    """int8 file of a network whose input has exactly the scale and zero point of the output of the file `before`.

    samples: float32 values of that output as the int8 file gives them; its two end values are added.
    """
    scale, zero = quantization(before)[1]
    ends = np.array([(-128 - zero) * scale, (127 - zero) * scale], np.float32)
    extremes = np.broadcast_to(ends.reshape(2, *[1] * (samples.ndim - 1)), (2, *samples.shape[1:]))
    # both ends in one sample: half of the map low, half high, so that no activation range behind it is stretched much
    mixed = samples[0].copy()
    mixed.flat[0], mixed.flat[1] = extremes[0].flat[0], extremes[1].flat[0]
    int8(model, np.concatenate([samples, mixed[None]]), path)
    got_scale, got_zero = quantization(path)[0]
    if abs(got_scale / scale - 1) > 1e-5 or got_zero != zero:
        raise CompileError(
            f"{path.name}: input quantization differs from the output of {before.name}",
            expected=(scale, zero), got=(got_scale, got_zero),
        )  # fmt: skip


def server(model: Any, shape: tuple[int, ...], path: Path) -> None:
    """Float file with float16 weights; input and output float32."""
    tf = tensorflow()
    converter = _converter(model, shape)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    _write(converter, path)


def _converter(model: Any, shape: tuple[int, ...]) -> Any:
    tf = tensorflow()
    call = tf.function(lambda x: model(x, training=False), autograph=False)
    concrete = call.get_concrete_function(tf.TensorSpec((1, *shape), tf.float32))
    return tf.lite.TFLiteConverter.from_concrete_functions([concrete])  # no trackable object: variables become constants


def _write(converter: Any, path: Path) -> None:
    with quiet():
        content = converter.convert()
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(content)
    strange = operators(partial) - SUPPORTED - {"DEQUANTIZE"}
    if strange:
        raise CompileError(f"{path.name}: operators {sorted(strange)}", expected=f"only {sorted(SUPPORTED)}")
    partial.replace(path)


def interpreter(path: Path) -> Any:
    """The bit-exact reference interpreter of an int8 file, allocated."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    runner = Interpreter(str(path), experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    runner.allocate_tensors()
    return runner


def operators(path: Path) -> set[str]:
    """Names of the operators in a file."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    runner = Interpreter(str(path), experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    return {detail["op_name"] for detail in runner._get_ops_details()}


def quantization(path: Path) -> tuple[tuple[float, int], tuple[float, int]]:
    """((input scale, zero), (output scale, zero)) of an int8 file."""
    runner = interpreter(path)
    return runner.get_input_details()[0]["quantization"], runner.get_output_details()[0]["quantization"]


def run(path: Path, inputs: np.ndarray) -> np.ndarray:
    """int8 (N, *shape) -> int8 (N, ...) through the reference interpreter, one by one."""
    runner = interpreter(path)
    source, sink = runner.get_input_details()[0]["index"], runner.get_output_details()[0]["index"]
    out = []
    for item in inputs:
        runner.set_tensor(source, item[None])
        runner.invoke()
        out.append(runner.get_tensor(sink)[0])
    return np.stack(out)
