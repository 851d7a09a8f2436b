"""What an operator becomes: the body of one C function. The lowering of each family returns it; `lower.py` wraps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from bench.compile.tflite import REEXPORT, Graph, Operator, Value

C_TYPES = {"int8": "int8_t", "uint8": "uint8_t", "int16": "int16_t", "int32": "int32_t", "uint32": "uint32_t"}


@dataclass(frozen=True)
class Kernel:
    """C statements over the pointers in0, in1, ..., out (int8_t; uint8_t where the layer takes the frame) and scratch.

    constants: arrays by their name in the body, placed in flash; a 2-d int32 array of 4 columns is a `struct channel`
    array.
    scratch: bytes of working memory; inplace: out may be the same memory as in0; size: estimated bytes of code;
    helper: C functions that the body calls.
    """

    body: str
    constants: Mapping[str, np.ndarray] = field(default_factory=dict)
    macs: int = 0
    scratch: int = 0
    inplace: bool = False
    size: int = 600
    helper: str = ""

    @property
    def weights(self) -> int:
        return sum(array.nbytes for array in self.constants.values())


@dataclass(frozen=True)
class Site:
    """An operator in its graph. takes_frame: its first input is the camera's uint8 frame (int8 input XOR 0x80). stride:
    bytes from pixel to pixel where its first input is part of a wider map (bench/compile/views.py), else 0.
    """

    graph: Graph
    operator: Operator
    takes_frame: bool = False
    stride: int = 0

    def input(self, position: int = 0) -> Value:
        """The activation at that position."""
        value = self._input(position)
        if value is None or value.data is not None or value.dtype != "int8":
            raise self.operator.refuse(f"input {position}", expected="an int8 activation", got="a constant or nothing")
        return value

    def constant(self, position: int, dtype: str) -> np.ndarray:
        """The constant at that position."""
        value = self._input(position)
        if value is None or value.data is None or value.dtype != dtype:
            got = "nothing" if value is None else value.dtype if value.data is not None else "a computed tensor"
            raise self.operator.refuse(f"input {position}", expected=f"{dtype} constant", got=got, do=REEXPORT)
        return value.data

    def quantized(self, position: int) -> Value:
        """The weights at that position: int8, symmetric."""
        self.constant(position, "int8")
        value = self._input(position)
        assert value is not None
        if not len(value.scale) or np.any(value.zero != 0):
            raise self.operator.refuse(
                f"zero points of input {position}", expected="0 (symmetric weights)", do=REEXPORT
            )
        return value

    def bias(self, position: int, channels: int) -> np.ndarray:
        """int32 biases; zeros if the operator has none."""
        if self._input(position) is None:
            return np.zeros(channels, np.int32)
        data = self.constant(position, "int32").reshape(-1)
        if data.size != channels:
            raise self.operator.refuse("number of biases", expected=channels, got=data.size, do=REEXPORT)
        return data

    @property
    def output(self) -> Value:
        if len(self.operator.outputs) != 1:
            raise self.operator.refuse("number of outputs", expected=1, got=len(self.operator.outputs), do=REEXPORT)
        return self.graph.values[self.operator.outputs[0]]

    def _input(self, position: int) -> Value | None:
        indices = self.operator.inputs
        return self.graph.values[indices[position]] if position < len(indices) and indices[position] >= 0 else None

    def require(
        self, condition: bool, problem: str, *, expected: object = None, got: object = None, do: str = ""
    ) -> None:
        """Refuses the operator unless the condition holds."""
        if not condition:
            raise self.operator.refuse(problem, expected=expected, got=got, do=do)

    def same_quantization(self) -> None:
        """For operators that only move or pick values."""
        a, b = self.input(), self.output
        self.require(
            a.step == b.step and a.offset == b.offset,
            "input and output quantization",
            expected=f"the same {a.step} {a.offset}",
            got=f"{b.step} {b.offset}",
            do=REEXPORT,
        )
