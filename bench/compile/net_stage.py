"""The `net` stage: an int8 network from a .tflite file; its Python twin is LiteRT's reference interpreter."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from bench.compile.lower import HOT_BYTES, compile_net
from bench.compile.net import Net
from bench.compile.parameters import number
from bench.errors import CompileError
from bench.method import MOST, Stage, StageKind, Tensor

RESTORE = "restore or train the deployment again"


def close(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=1e-5)


@functools.lru_cache(maxsize=64)
def _compiled(path: Path, prefix: str, reads_frame: bool, hot: int, stride: int, changed: int) -> Net:
    return compile_net(path, prefix, reads_frame, hot, stride)


def networks(stages: Sequence[Stage], folder: Path) -> dict[int, Net]:
    """The compiled networks of a program by the index of their stage.

    More than two share the ITCM that two may claim, by their multiply-accumulates.
    """
    nets = {i: network(stage, folder) for i, stage in enumerate(stages) if stage.op == "net"}
    if len(nets) <= 2:
        return nets
    macs = sum(net.macs for net in nets.values())
    return {i: network(stages[i], folder, 2 * HOT_BYTES * net.macs // max(1, macs)) for i, net in nets.items()}


def network(stage: Stage, folder: Path, hot: int = HOT_BYTES) -> Net:
    """The compiled network of a `net` stage; its C names start with the name of the buffer that it writes.

    hot: estimated bytes of code that it may claim of the ITCM.
    """
    path = folder / str(stage.params["model"])
    stride = number(stage, "stride", 1, MOST) if "stride" in stage.params else 0
    if not stage.reads or not stage.writes:
        raise CompileError(f"stage net: {path.name}", expected="a buffer to read and one to write", got="none")
    try:
        return _compiled(path, stage.writes[0], stage.reads[0] == "frame", hot, stride, path.stat().st_mtime_ns)
    except FileNotFoundError:
        raise CompileError(f"stage net: {path} does not exist", do=RESTORE) from None


@contextmanager
def sound(path: Path) -> Iterator[None]:
    """Around LiteRT's interpreter of a model file: what it refuses becomes a CompileError."""
    try:
        yield
    except (ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise CompileError(f"{path}: damaged .tflite file ({reason})", do=RESTORE) from None


@functools.lru_cache(maxsize=16)
def _interpreter(path: Path, changed: int) -> Callable[[np.ndarray], list[np.ndarray]]:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    with sound(path):
        interpreter = Interpreter(str(path), experimental_op_resolver_type=OpResolverType.BUILTIN_REF, num_threads=1)
        interpreter.allocate_tensors()
    given = interpreter.get_input_details()[0]
    wanted = interpreter.get_output_details()

    def run(values: np.ndarray) -> list[np.ndarray]:
        with sound(path):
            interpreter.set_tensor(given["index"], values.reshape(given["shape"]))
            interpreter.invoke()
        return [interpreter.get_tensor(output["index"]) for output in wanted]

    return run


class NetKind(StageKind):
    """model: a file. It reads the camera's frame (as int8: every byte XOR 0x80) or an int8 buffer of equal scale and
    zero.
    """

    op = "net"
    keys = frozenset({"model"})

    def outputs(self, stage: Stage, inputs: Mapping[str, Tensor], folder: Path) -> dict[str, Tensor]:
        net = network(stage, folder)
        if len(stage.reads) != 1 or len(net.inputs) != 1 or len(stage.writes) != len(net.outputs):
            got = f"{len(net.inputs)} inputs, {len(net.outputs)} outputs"
            wanted = f"{len(stage.reads)} and {len(stage.writes)} as the stage names"
            raise CompileError(f"stage net: {stage.params['model']}", expected=wanted, got=got)
        given, wants = inputs[stage.reads[0]], net.inputs[0]
        same_scale = given.dtype == "uint8" or (close(given.scale, wants.scale) and given.zero == wants.zero)
        if given.count != wants.count or given.dtype != wants.dtype or not same_scale:
            raise CompileError(
                f"stage net: {stage.params['model']} does not take buffer {stage.reads[0]}",
                expected=f"{given.count} {given.dtype}, scale {given.scale:.8g}, zero {given.zero}",
                got=f"{wants.count} {wants.dtype}, scale {wants.scale:.8g}, zero {wants.zero}",
                do="export both networks again",
            )
        return {
            name: Tensor(t.shape[1:] if len(t.shape) > 1 and t.shape[0] == 1 else t.shape, t.dtype, t.scale, t.zero)
            for name, t in zip(stage.writes, net.outputs, strict=True)
        }

    def call(self, stage: Stage, tensors: Mapping[str, Tensor]) -> str:
        return f"net_{stage.writes[0]}()"

    def run(self, stage: Stage, values: dict[str, np.ndarray], folder: Path) -> None:
        path = folder / str(stage.params["model"])
        given = values[stage.reads[0]]
        given = (given ^ 0x80).view(np.int8) if given.dtype == np.uint8 else given
        for name, output in zip(stage.writes, _interpreter(path, path.stat().st_mtime_ns)(given), strict=True):
            values[name] = output[0] if output.ndim > 1 else output
