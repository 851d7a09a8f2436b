"""Writes small int8 .tflite files without TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

DTYPES = {"int8": schema.TensorType.INT8, "int32": schema.TensorType.INT32, "float32": schema.TensorType.FLOAT32}


class ModelBuilder:
    """Add tensors and operators, then `bytes()`. A tensor is known by the index that `tensor` returns."""

    def __init__(self) -> None:
        self.model = schema.ModelT()
        self.model.version = 3
        self.model.description = "random weights"
        self.model.buffers = [schema.BufferT()]
        self.model.operatorCodes = []
        self.graph = schema.SubGraphT()
        self.graph.tensors, self.graph.operators = [], []
        self.graph.name = "main"

    def tensor(
        self,
        shape: Sequence[int],
        scale: npt.ArrayLike | None = None,
        zero: int = 0,
        data: npt.ArrayLike | None = None,
        dtype: str = "int8",
        axis: int = 0,
    ) -> int:
        """An activation (no data) or a constant; scale may be a list for per-channel weights."""
        t = schema.TensorT()
        t.name = f"t{len(self.graph.tensors)}"
        t.shape = np.asarray(shape, np.int32)
        t.type = DTYPES[dtype]
        t.buffer = 0
        if scale is not None:
            q = schema.QuantizationParametersT()
            q.scale = np.atleast_1d(np.asarray(scale, np.float32))
            q.zeroPoint = np.broadcast_to(np.asarray(zero, np.int64), q.scale.shape).copy()
            q.quantizedDimension = axis
            t.quantization = q
        if data is not None:
            b = schema.BufferT()
            b.data = np.frombuffer(np.ascontiguousarray(data, dtype).tobytes(), np.uint8)
            t.buffer = len(self.model.buffers)
            self.model.buffers.append(b)
        self.graph.tensors.append(t)
        return len(self.graph.tensors) - 1

    def operator(
        self, name: str, inputs: Sequence[int], outputs: Sequence[int], options: Any = None, version: int = 3
    ) -> None:
        """options: an ...OptionsT object of the schema, or None."""
        code = schema.OperatorCodeT()
        builtin = getattr(schema.BuiltinOperator, name)
        code.builtinCode, code.deprecatedBuiltinCode, code.version = builtin, min(builtin, 127), version
        self.model.operatorCodes.append(code)
        op = schema.OperatorT()
        op.opcodeIndex = len(self.model.operatorCodes) - 1
        op.inputs, op.outputs = np.asarray(inputs, np.int32), np.asarray(outputs, np.int32)
        if options is not None:
            op.builtinOptions = options
            op.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
        self.graph.operators.append(op)

    def bytes(self, inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
        """The file's content. Model inputs and outputs by tensor index."""
        self.graph.inputs, self.graph.outputs = np.asarray(inputs, np.int32), np.asarray(outputs, np.int32)
        self.model.subgraphs = [self.graph]
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def options(kind: str, **fields: object) -> Any:
    """An options object, e.g. options("Conv2D", strideW=1). Raises AttributeError for a field that it has not."""
    o = getattr(schema, f"{kind}OptionsT")()
    for name, value in fields.items():
        getattr(o, name)
        setattr(o, name, value)
    return o
