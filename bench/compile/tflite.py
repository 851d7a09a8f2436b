"""Reads a full-int8 .tflite file into a checked graph. Whatever is wrong with the file becomes a CompileError.

Full int8: every activation is int8 with one scale and zero point, biases are int32, batch is 1 (TensorFlow Lite 8-bit
quantization specification, ai.google.dev/edge/litert/models/quantization_spec).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from bench.errors import CompileError
from bench.method import ITEM_BYTES

REEXPORT = "export it again with the full-int8 converter settings"
MAX_BYTES = 64 << 20
TYPES = {schema.TensorType.INT8: "int8", schema.TensorType.INT32: "int32", schema.TensorType.UINT8: "uint8",
         schema.TensorType.INT16: "int16"}  # fmt: skip
TYPE_NAMES = {code: name.lower() for name, code in vars(schema.TensorType).items() if isinstance(code, int)}
OPERATOR_NAMES = {code: name for name, code in vars(schema.BuiltinOperator).items() if isinstance(code, int)}


@dataclass(frozen=True, eq=False)
class Value:
    """A tensor of the file. scale, zero: one, or one per channel along `axis`; data: the constant, if it is one."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: np.ndarray
    zero: np.ndarray
    axis: int
    data: np.ndarray | None

    @property
    def step(self) -> float:
        """The one scale of an activation, float32 as stored."""
        return float(self.scale[0])

    @property
    def offset(self) -> int:
        """The one zero point of an activation."""
        return int(self.zero[0])


@dataclass(frozen=True, eq=False)
class Operator:
    """One node: TFLite's operator name, indices of values (-1: absent) and the schema's options object or None."""

    op: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Any
    where: str

    def refuse(self, problem: str, *, expected: object = None, got: object = None, do: str = "") -> CompileError:
        """The error to raise, with the operator's place in it."""
        return CompileError(f"{self.where}: {problem}", expected=expected, got=got, do=do)

    def option(self, name: str, known: Sequence[object] | None = None) -> Any:
        """An option's value; refuses one that is missing or not in `known`."""
        value = getattr(self.options, name, None)
        if value is None or (known is not None and value not in known):
            raise self.refuse(
                f"option {name}", expected=f"one of {list(known)}" if known else "a value", got=value, do=REEXPORT
            )
        return value


@dataclass(frozen=True, eq=False)
class Graph:
    """Values and operators in execution order."""

    path: Path
    values: list[Value]
    operators: list[Operator]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


def read(path: Path) -> Graph:
    """Reads and checks a .tflite file: structure, indices, types, shapes, constants and quantization."""
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= MAX_BYTES else b""
    except OSError as error:
        raise CompileError(f"{path}: cannot be read ({error.strerror})", do="check the path") from None
    if size > MAX_BYTES:
        raise CompileError(f"{path}: too large for any microcontroller", expected=f"<= {MAX_BYTES} bytes", got=size)
    if len(data) < 8 or data[4:8] != b"TFL3":
        raise CompileError(
            f"{path}: not a TensorFlow Lite file", expected="identifier TFL3", got=repr(data[4:8]), do=REEXPORT
        )
    try:
        model = schema.ModelT.InitFromPackedBuf(data, 0)
        return _graph(path, model)
    except CompileError:
        raise
    except Exception as error:  # the generated reader trusts offsets, so a damaged file can fail in any way
        raise CompileError(
            f"{path}: damaged TensorFlow Lite file ({type(error).__name__}: {error})", do=REEXPORT
        ) from None


def _graph(path: Path, model: Any) -> Graph:
    if len(model.subgraphs or []) != 1:
        raise CompileError(f"{path}: number of subgraphs", expected=1, got=len(model.subgraphs or []), do=REEXPORT)
    sub = model.subgraphs[0]
    values = [_value(path, index, t, model.buffers) for index, t in enumerate(sub.tensors)]
    inputs, outputs = tuple(map(int, sub.inputs)), tuple(map(int, sub.outputs))
    operators = []
    for number, raw in enumerate(sub.operators):
        code = model.operatorCodes[raw.opcodeIndex]
        builtin = max(int(code.builtinCode), int(code.deprecatedBuiltinCode))
        op = OPERATOR_NAMES.get(builtin, f"number {builtin}")
        operators.append(
            Operator(op, _ints(raw.inputs), _ints(raw.outputs), raw.builtinOptions, f"{path}: operator {number} {op}")
        )
    graph = Graph(path, values, operators, inputs, outputs)
    _check_order(graph)
    return graph


def _ints(values: Any) -> tuple[int, ...]:
    return () if values is None else tuple(int(v) for v in values)


def _value(path: Path, index: int, raw: Any, buffers: Sequence[Any]) -> Value:
    name = raw.name.decode("utf-8", "replace") if raw.name else f"tensor {index}"
    where = f"{path}: tensor {index} {name!r}"
    if raw.type not in TYPES:
        kind = TYPE_NAMES.get(raw.type, raw.type)
        raise CompileError(f"{where}: type", expected=f"one of {', '.join(TYPES.values())}", got=kind, do=REEXPORT)
    dtype = TYPES[raw.type]
    shape = _ints(raw.shape)
    if any(n <= 0 or n > 1 << 24 for n in shape) or np.prod(shape, dtype=float) > MAX_BYTES or raw.isVariable:
        raise CompileError(f"{where}: shape", expected="fixed and positive", got=shape, do=REEXPORT)
    if raw.sparsity is not None or raw.externalBuffer:
        raise CompileError(f"{where}: sparse or external data", do=REEXPORT)
    quantization = raw.quantization
    scale = np.asarray(quantization.scale if quantization and quantization.scale is not None else [], np.float32)
    zero = np.asarray(quantization.zeroPoint if quantization and quantization.zeroPoint is not None else [], np.int64)
    axis = int(quantization.quantizedDimension) if quantization else 0
    if len(zero) < len(scale):
        zero = np.zeros(len(scale), np.int64)
    if not (np.all(np.isfinite(scale)) and np.all(scale > 0)) or len(zero) != len(scale):
        raise CompileError(
            f"{where}: quantization", expected="positive scales, as many zero points", got=scale[:4], do=REEXPORT
        )
    if len(scale) > 1 and (not 0 <= axis < len(shape) or shape[axis] != len(scale)):
        raise CompileError(
            f"{where}: number of scales", expected=f"length of dimension {axis} of {shape}", got=len(scale), do=REEXPORT
        )
    return Value(name, shape, dtype, scale, zero, axis, _constant(where, raw, buffers, dtype, shape))


def _constant(where: str, raw: Any, buffers: Sequence[Any], dtype: str, shape: tuple[int, ...]) -> np.ndarray | None:
    buffer = buffers[raw.buffer]
    if raw.buffer == 0 or (buffer.data is None and not buffer.offset):
        return None
    if buffer.offset or buffer.size:
        raise CompileError(f"{where}: data outside the flatbuffer", do=REEXPORT)
    data = np.asarray(buffer.data, np.uint8)
    need = int(np.prod(shape)) * ITEM_BYTES[dtype]
    if data.size != need:
        raise CompileError(f"{where}: bytes of constant", expected=need, got=data.size, do=REEXPORT)
    return data.view(np.dtype(dtype).newbyteorder("<")).astype(dtype).reshape(shape)


def _check_order(graph: Graph) -> None:
    """Every operator reads what exists by then; every computed value has one writer; activations are int8, batch 1."""
    count = len(graph.values)

    def known(index: int, where: str) -> None:
        if not 0 <= index < count:
            raise CompileError(f"{where}: tensor index", expected=f"0 to {count - 1}", got=index, do=REEXPORT)

    def activation(index: int, where: str) -> None:
        value = graph.values[index]
        if value.data is not None:
            raise CompileError(f"{where}: tensor {index} is constant", expected="a computed tensor", do=REEXPORT)
        if value.dtype != "int8":
            raise CompileError(
                f"{where}: type of tensor {index} {value.name!r}", expected="int8", got=value.dtype, do=REEXPORT
            )
        if len(value.scale) != 1 or not -128 <= value.offset <= 127:
            raise CompileError(
                f"{where}: quantization of tensor {index}", expected="one scale, zero point -128 to 127", do=REEXPORT
            )
        if not value.shape or value.shape[0] != 1:
            raise CompileError(f"{where}: batch of tensor {index}", expected=1, got=value.shape, do=REEXPORT)

    ready = set()
    for index in graph.inputs:
        known(index, f"{graph.path}: input")
        activation(index, f"{graph.path}: input")
        ready.add(index)
    for operator in graph.operators:
        for index in operator.inputs:
            if index == -1:
                continue
            known(index, operator.where)
            if graph.values[index].data is None and index not in ready:
                raise operator.refuse(f"input tensor {index} is not computed before it", do=REEXPORT)
        for index in operator.outputs:
            known(index, operator.where)
            if index in ready:
                raise operator.refuse(f"output tensor {index} has another writer", do=REEXPORT)
            activation(index, operator.where)
            ready.add(index)
    missing = [index for index in graph.outputs if index not in ready]
    if missing or not graph.inputs or not graph.outputs:
        raise CompileError(
            f"{graph.path}: inputs {graph.inputs}, outputs {graph.outputs}", expected="computed outputs", do=REEXPORT
        )
