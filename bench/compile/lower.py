"""Compiles a .tflite file to C: one specialised function per layer, tensors left to the caller's memory plan."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench.compile import tflite
from bench.compile.kernel import C_TYPES, Kernel, Site
from bench.compile.net import SCRATCH_PREFIX, Layer, Net, Tensor
from bench.compile.operators import conv, dense, depthwise, elementwise, pool, shape, softmax
from bench.compile.tflite import Graph, Operator
from bench.errors import CompileError

LOWERINGS: dict[str, Callable[[Site], Kernel]] = {
    "ADD": elementwise.add,
    "AVERAGE_POOL_2D": pool.average_pool,
    "CONV_2D": conv.conv2d,
    "DEPTHWISE_CONV_2D": depthwise.depthwise,
    "FULLY_CONNECTED": dense.fully_connected,
    "MAX_POOL_2D": pool.max_pool,
    "MEAN": pool.mean,
    "PAD": shape.pad,
    "RELU": elementwise.relu,
    "RELU6": elementwise.relu6,
    "SOFTMAX": softmax.softmax,
}
ALIASES = ("RESHAPE",)  # the same bytes under another shape: no code
TAKES_FRAME = ("CONV_2D", "DEPTHWISE_CONV_2D")  # can read the uint8 frame directly
HOT_BYTES = 6500  # estimated code that each of two networks may claim of the 16 KB ITCM
HEADERS = ("conv.h", "dense.h", "depthwise.h", "elementwise.h", "pointwise.h", "pool.h", "shape.h")


def supported() -> list[str]:
    """Names of the operators that can be compiled."""
    return sorted([*LOWERINGS, *ALIASES])


def compile_net(path: Path, prefix: str, uint8_input: bool = False, hot: int = HOT_BYTES, stride: int = 0) -> Net:
    """Compiles the network in `path`; every C name starts with `prefix`. Raises CompileError.

    uint8_input: the input tensor holds the camera's uint8 frame; the network must expect int8 = uint8 XOR 0x80, that
    is scale 1/255 and zero point -128. hot: estimated bytes of code that it may claim of the ITCM. stride: bytes from
    pixel to pixel of the input, where that is part of a wider map; 0: it is not.
    """
    return _Lowering(tflite.read(Path(path)), prefix, uint8_input, hot, stride).net()


class _Lowering:
    def __init__(self, graph: Graph, prefix: str, uint8_input: bool, hot: int, stride: int) -> None:
        self.graph, self.prefix, self.uint8_input, self.hot = graph, prefix, uint8_input, hot
        self.stride = dict.fromkeys(graph.inputs, stride)
        self.name_of: dict[int, str] = {}  # graph value -> tensor
        self.tensors: dict[str, Tensor] = {}
        self.layers: list[Layer] = []
        self.kernels: list[tuple[Layer, Kernel, list[str]]] = []
        self.last_use = {i: n for n, o in enumerate(graph.operators) for i in o.inputs}
        self.last_use |= {i: len(graph.operators) for i in graph.outputs}

    def net(self) -> Net:
        graph = self.graph
        inputs = [self.add_tensor(index) for index in graph.inputs]
        self.frame = graph.inputs[0] if self.uint8_input else -1
        if self.uint8_input:
            inputs = [self.frame_tensor(inputs[0])]
        for number, operator in enumerate(graph.operators):
            self.lower(number, operator)
        outputs = []
        for index in graph.outputs:
            value, name = graph.values[index], self.name_of[index]
            outputs.append(Tensor(value.shape, "int8", value.step, value.offset, name))
        used = {name for layer in self.layers for name in (*layer.reads, *layer.writes)}
        used |= {t.name for t in (*inputs, *outputs)}
        tensors = {name: t for name, t in self.tensors.items() if name in used}
        return Net(self.prefix, inputs, outputs, self.layers, tensors, self.declarations())

    def add_tensor(self, index: int) -> Tensor:
        value = self.graph.values[index]
        tensor = Tensor(value.shape, "int8", value.step, value.offset, f"x{index}")
        self.tensors[tensor.name] = tensor
        self.name_of[index] = tensor.name
        return tensor

    def frame_tensor(self, tensor: Tensor) -> Tensor:
        """The input as uint8. Readers other than a first convolution get an int8 copy from a layer of its own."""
        ok = len(self.graph.inputs) == 1 and tensor.zero == -128 and abs(tensor.scale * 255 - 1) < 1e-5
        if not ok:
            raise CompileError(
                f"{self.graph.path}: quantization of the input that takes the camera's frame",
                expected="one input, scale 1/255, zero point -128",
                got=f"{len(self.graph.inputs)} inputs, scale {tensor.scale:.8g}, zero point {tensor.zero}",
                do="train and export it with pixels in 0..1 and representative images that reach 0 and 255",
            )
        frame = Tensor(tensor.shape, "uint8", tensor.scale, 0, tensor.name)
        self.tensors[tensor.name] = frame
        index = self.graph.inputs[0]
        readers = [o for o in self.graph.operators if index in o.inputs]
        if index in self.graph.outputs or any(o.op not in TAKES_FRAME for o in readers):
            signed = Tensor(tensor.shape, "int8", tensor.scale, tensor.zero, tensor.name + "s")
            self.tensors[signed.name] = signed
            self.add_layer(
                "frame", "XOR", Kernel(f"flip_sign(in0, out, {tensor.count});", size=64), [frame.name], signed.name
            )
            self.name_of[index], self.frame = signed.name, -1
        return frame

    def lower(self, number: int, operator: Operator) -> None:
        if operator.op not in LOWERINGS and operator.op not in ALIASES:
            known = ", ".join(supported())
            raise operator.refuse(
                "operator is not supported", expected=f"one of {known}", got=operator.op, do="change the network"
            )
        name = f"{operator.op.lower()}_{number}"
        takes_frame = bool(operator.inputs) and operator.inputs[0] == self.frame
        stride = self.stride.get(operator.inputs[0], 0) if operator.inputs else 0
        site = Site(self.graph, operator, takes_frame, stride)
        if operator.op in ALIASES:
            self.alias(name, site)
            return
        kernel = LOWERINGS[operator.op](site)
        reads = [i for i in operator.inputs if i >= 0 and self.graph.values[i].data is None]
        first, out = reads[0], operator.outputs[0]
        if kernel.inplace and self.dies(first, number) and self.fits(first, out):
            self.name_of[out] = self.name_of[first]
        else:
            self.add_tensor(out)
        self.add_layer(name, operator.op, kernel, [self.name_of[i] for i in reads], self.name_of[out])

    def alias(self, name: str, site: Site) -> None:
        """Gives the input's memory the output's shape; copies only where a caller sees both ends."""
        a, b = site.input(), site.output
        site.require(int(np.prod(a.shape)) == int(np.prod(b.shape)), "number of values", expected=a.shape, got=b.shape)
        site.same_quantization()
        source, target = site.operator.inputs[0], site.operator.outputs[0]
        inputs = {self.name_of[i] for i in self.graph.inputs}
        if target in self.graph.outputs and self.name_of[source] in inputs:
            self.add_tensor(target)
            kernel = Kernel(f"copy_s8(in0, out, {int(np.prod(a.shape))});", size=64)
            self.add_layer(name, site.operator.op, kernel, [self.name_of[source]], self.name_of[target])
        else:
            self.name_of[target] = self.name_of[source]

    def dies(self, index: int, number: int) -> bool:
        """Whether nothing reads the memory of that value after operator `number`, and no caller owns it."""
        name = self.name_of[index]
        sharing = [i for i, n in self.name_of.items() if n == name]
        return all(self.last_use.get(i, -1) <= number and i not in self.graph.inputs for i in sharing)

    def fits(self, a: int, b: int) -> bool:
        shape = (self.graph.values[a].shape, self.graph.values[b].shape)
        return int(np.prod(shape[0])) == int(np.prod(shape[1]))

    def add_layer(self, name: str, op: str, kernel: Kernel, reads: list[str], out: str) -> None:
        writes, arguments = [out], [*reads, out]
        if kernel.scratch:
            scratch = Tensor((kernel.scratch,), "uint8", name=SCRATCH_PREFIX + name)
            self.tensors[scratch.name] = scratch
            writes.append(scratch.name)
            arguments.append(scratch.name)
        call = f"{self.prefix}_{name}({', '.join(f'(void *)t_{self.prefix}_{a}' for a in arguments)});"
        layer = Layer(name, op, kernel.macs, tuple(reads), tuple(writes), call, kernel.weights)
        self.layers.append(layer)
        self.kernels.append((layer, kernel, reads))

    def declarations(self) -> str:
        hot, budget = set(), self.hot
        for layer, kernel, _ in sorted(self.kernels, key=lambda item: -item[0].macs):
            if layer.macs and kernel.size <= budget:
                hot.add(layer.name)
                budget -= kernel.size
        text = [f'#include "kernels/{header}"' for header in HEADERS]
        for layer, kernel, reads in self.kernels:
            types = [C_TYPES[self.tensors[r].dtype] for r in reads]
            arguments = [f"const {t} *in{i}" for i, t in enumerate(types)]
            if kernel.inplace:  # the same memory under two names
                arguments = [a.removeprefix("const ") for a in arguments]
            arguments += ["int8_t *out"] + ["void *scratch"] * bool(kernel.scratch)
            text.append(kernel.helper)
            text.append(f"/* {layer.op}: {layer.macs} multiply-accumulates, {layer.weights} bytes of constants */")
            text.append(
                f"{'HOT ' if layer.name in hot else ''}static __attribute__((noinline)) "
                f"void {self.prefix}_{layer.name}("
            )
            text.append(f"    {', '.join(arguments)}) {{")
            text += [f"    {constant(name, array)}" for name, array in kernel.constants.items()]
            text.append(f"    {kernel.body}\n}}")
        return "\n".join(text) + "\n"


def constant(name: str, array: np.ndarray) -> str:
    """A C array; rows of four int32 become `struct channel`."""
    if array.dtype == np.int32 and array.ndim == 2 and array.shape[1] == 4:
        rows = ", ".join("{" + ", ".join(map(number, row)) + "}" for row in array.tolist())
        return f"static const struct channel {name}[] = {{{rows}}};"
    values = ", ".join(map(number, array.reshape(-1).tolist()))
    return f"static const {C_TYPES[array.dtype.name]} {name}[] __attribute__((aligned(8))) = {{{values}}};"


def number(value: int) -> str:
    """A C integer constant (the most negative int32 has no literal of its own)."""
    return f"(-{-value - 1} - 1)" if value == -(2**31) else str(value)
