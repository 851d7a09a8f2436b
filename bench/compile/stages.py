"""The device program as a whole: which stages there are, whether a deployment's stages fit together, and their Python
twin.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np

from bench import registry
from bench.compile.code_stage import CodeKind
from bench.compile.kinds import CombineKind, ExitIfKind, QuantizeKind, ReceiveKind, SendKind, SplitKind
from bench.compile.net_stage import NetKind
from bench.compile.parameters import number, numbers
from bench.errors import CompileError
from bench.method import Deployment, Stage, StageKind, Tensor

Exchange = Callable[[bytes], bytes]  # payload -> int16 logits, little-endian
Buffers = dict[str, np.ndarray]


def kinds(deployment: Deployment) -> dict[str, StageKind]:
    """op -> kind: the built-in ones and those that the method brings."""
    plain: list[StageKind] = [kind() for kind in (NetKind, SplitKind, QuantizeKind, CodeKind, SendKind, ExitIfKind)]
    known = {kind.op: kind for kind in (*plain, ReceiveKind(deployment.classes), CombineKind())}
    if all(stage.op in known for stage in deployment.stages):
        return known
    return known | {kind.op: kind for kind in registry.method(deployment.method).stages}


def label(stage: Stage) -> str:
    """How records and messages call it: op:buffer that it writes; of an exit, that it reads: all write the scores."""
    return ":".join((stage.op, *(stage.reads if stage.op == "exit_if" else stage.writes)))


def first_buffer(deployment: Deployment, op: str, side: str) -> str | None:
    """The buffer that the program's first `op` stage reads or writes."""
    return next((getattr(stage, side)[0] for stage in deployment.stages if stage.op == op), None)


def first(deployment: Deployment, op: str) -> Stage:
    """The program's first `op` stage, which it has."""
    return next(stage for stage in deployment.stages if stage.op == op)


def lacks(deployment: Deployment, *ops: str) -> str:
    """Says which of these stages a program does not have; "" if it has them all."""
    missing = [op for op in ops if all(stage.op != op for stage in deployment.stages)]
    return f"it has no stage {' and no stage '.join(missing)}" if missing else ""


def check(deployment: Deployment) -> dict[str, Tensor]:
    """All buffers of the program by name. Raises CompileError where the stages do not fit together."""
    known = kinds(deployment)
    tensors = {"frame": Tensor(deployment.frame, "uint8")}
    largest: dict[str, int] = {}
    for stage in deployment.stages:
        where = f"{deployment.method}: stage {label(stage)}"
        if stage.op not in known:
            raise CompileError(f"{where}: unknown op", expected=f"one of {', '.join(sorted(known))}", got=stage.op)
        kind = known[stage.op]
        if not kind.keys <= set(stage.params) <= kind.keys | kind.optional:
            raise CompileError(f"{where}: parameters", expected=sorted(kind.keys), got=sorted(stage.params))
        missing = [name for name in stage.reads if name not in tensors]
        if missing:
            raise CompileError(f"{where}: reads {missing[0]!r}", expected=f"one of {', '.join(tensors)}")
        written = kind.outputs(stage, tensors, deployment.folder)
        if set(written) != set(stage.writes):
            raise CompileError(f"{where}: writes", expected=list(written), got=list(stage.writes))
        for name, tensor in written.items():
            if not name.isidentifier() or name == "frame":
                raise CompileError(f"{where}: buffer name", expected="a C identifier other than frame", got=name)
            if name in tensors and tensors[name] != tensor:
                raise CompileError(f"{where}: buffer {name} twice", expected=tensors[name], got=tensor)
            tensors[name] = tensor
        if stage.op == "quantize":
            largest[stage.writes[0]] = max(numbers(stage, "table", 256, 0, 255))
        if stage.op == "code":
            bits, symbol = number(stage, "bits", 1, 8), largest.get(stage.reads[0], 0)
            if symbol >> bits:
                raise CompileError(
                    f"{where}: {bits} bits per symbol", expected=f"symbols below {1 << bits}", got=symbol
                )
    scores = tensors.get("scores")
    if scores != Tensor((deployment.classes,), "int32"):
        got = f"{scores.count} {scores.dtype}" if scores else "no such buffer"
        raise CompileError(f"{deployment.method}: scores", expected=f"{deployment.classes} int32", got=got)
    labels = [label(stage) for stage in deployment.stages]
    if len(set(labels)) != len(labels):
        raise CompileError(f"{deployment.method}: two stages write the same buffer", got=", ".join(labels))
    talk = [stage.op for stage in deployment.stages if stage.op in ("send", "receive")]
    if talk not in ([], ["send", "receive"]):
        raise CompileError(f"{deployment.method}: what travels", expected="nothing, or one send, one receive", got=talk)
    return tensors


def walk(
    deployment: Deployment, frame: np.ndarray, reply: Callable[[Buffers], np.ndarray], skip: Collection[str] = ()
) -> Buffers:
    """The device program in Python until it has its scores: every buffer that it wrote, by name.

    frame: uint8 (H, W, C). reply(buffers so far): what `receive` writes. skip: ops that are left out.
    """
    values: Buffers = {"frame": np.ascontiguousarray(frame, np.uint8).reshape(deployment.frame)}
    known = kinds(deployment)
    for stage in deployment.stages:
        if stage.op == "receive":
            values[stage.writes[0]] = reply(values)
        elif stage.op not in skip:
            known[stage.op].run(stage, values, deployment.folder)
        if "scores" in values:
            break
    return values


def simulate(deployment: Deployment, frame: np.ndarray, exchange: Exchange | None) -> Buffers:
    """The whole program, as `walk`. exchange plays the network and the server; None for on-device methods."""

    def reply(values: Buffers) -> np.ndarray:
        if exchange is None:
            raise CompileError(f"{deployment.method} needs a server", do="give an exchange")
        payload = values[str(first_buffer(deployment, "send", "reads"))].tobytes()
        return np.frombuffer(exchange(payload), "<i2", deployment.classes).copy()

    return walk(deployment, frame, reply)
