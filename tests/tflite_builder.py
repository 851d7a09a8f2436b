"""Writes small int8 .tflite files without TensorFlow and runs them in the reference interpreter."""

from __future__ import annotations

from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

CODES = {v: k for k, v in vars(schema.TensorType).items() if isinstance(v, int)}
DTYPES = {"int8": schema.TensorType.INT8, "int32": schema.TensorType.INT32, "float32": schema.TensorType.FLOAT32}


class ModelBuilder:
    """Add tensors and operators, then `bytes()`. A tensor is known by the index that `tensor` returns."""

    def __init__(self) -> None:
        self.model = schema.ModelT()
        self.model.version = 3
        self.model.description = "test"
        empty = schema.BufferT()
        self.model.buffers = [empty]
        self.model.operatorCodes = []
        self.graph = schema.SubGraphT()
        self.graph.tensors, self.graph.operators = [], []
        self.graph.name = "main"

    def tensor(self, shape, scale=None, zero=0, data=None, dtype="int8", axis=0) -> int:
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

    def operator(self, name: str, inputs, outputs, options=None, version=3) -> None:
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

    def bytes(self, inputs, outputs) -> bytes:
        self.graph.inputs, self.graph.outputs = np.asarray(inputs, np.int32), np.asarray(outputs, np.int32)
        self.model.subgraphs = [self.graph]
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def options(kind: str, **fields):
    """An options object, e.g. options("Conv2D", strideW=1)."""
    o = getattr(schema, f"{kind}OptionsT")()
    for name, value in fields.items():
        assert hasattr(o, name), name
        setattr(o, name, value)
    return o


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
