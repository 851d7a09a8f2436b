"""Small int8 .tflite files without TensorFlow, and the reference interpreter that runs them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.benchmarks.networks.builder import ModelBuilder, options

__all__ = ["ModelBuilder", "options", "reference"]


def reference(model: bytes | Path, *inputs: np.ndarray) -> list[np.ndarray]:
    """Outputs of the reference interpreter (plain reference kernels, no delegate)."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    given = {"model_content": model} if isinstance(model, bytes) else {"model_path": str(model)}
    interpreter = Interpreter(**given, experimental_op_resolver_type=OpResolverType.BUILTIN_REF, num_threads=1)
    interpreter.allocate_tensors()
    for detail, value in zip(interpreter.get_input_details(), inputs, strict=True):
        interpreter.set_tensor(detail["index"], value.reshape(detail["shape"]))
    interpreter.invoke()
    return [interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()]
