"""What the network compiler hands over: tensors, layers in order, and the C text that runs them.

Contract with the program generator:
- every name in `tensors` is a device buffer that it must place, 8-byte aligned; C code calls it `t_PREFIX_NAME`
  (any pointer or array expression). Inputs and outputs are in `tensors` too, so that they can be bound to buffers
  that already exist.
- a tensor lives from the first to the last layer that reads or writes it (inputs from before the first layer,
  outputs until after the last). Scratch memory is a tensor that one layer alone writes; in-place layers read and
  write the same name.
- `declarations` holds one `static` function per layer and includes the headers of bench/firmware/kernels; `call` is a C
  statement. Functions marked HOT go to the section ".itcm".
"""

from __future__ import annotations

from dataclasses import dataclass

from bench import method

SCRATCH_PREFIX = "scratch_"  # names of working memory


@dataclass(frozen=True)
class Tensor(method.Tensor):
    """A device buffer with its name."""

    name: str = ""


@dataclass(frozen=True)
class Layer:
    """One layer: its function's name, TFLite operator, multiply-accumulates, the tensors it touches and its call.

    weights: bytes of constants in flash.
    """

    name: str
    op: str
    macs: int
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    call: str
    weights: int = 0


@dataclass(frozen=True)
class Net:
    """A compiled network. inputs and outputs give the shapes and quantization that the model file states."""

    prefix: str
    inputs: list[Tensor]
    outputs: list[Tensor]
    layers: list[Layer]
    tensors: dict[str, Tensor]
    declarations: str

    @property
    def macs(self) -> int:
        return sum(layer.macs for layer in self.layers)

    @property
    def weights(self) -> int:
        """Bytes of constants in flash."""
        return sum(layer.weights for layer in self.layers)

    def live(self) -> dict[str, tuple[int, int]]:
        """First and last layer that touches each tensor; -1 for an input, len(layers) for an output."""
        spans: dict[str, tuple[int, int]] = {t.name: (-1, -1) for t in self.inputs}
        for index, layer in enumerate(self.layers):
            for name in (*layer.reads, *layer.writes):
                spans[name] = (spans.get(name, (index, index))[0], index)
        for tensor in self.outputs:
            spans[tensor.name] = (spans[tensor.name][0], len(self.layers))
        return spans
