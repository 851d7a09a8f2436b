"""Where each buffer of a program lies: the SRAM arena, and DTCM for what a network uses only inside one stage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bench.compile.net import SCRATCH_PREFIX, Net
from bench.compile.planner import Buffer, plan
from bench.errors import CompileError
from bench.method import Deployment, Stage, Tensor

SRAM = 256 * 1024  # SRAM1 and SRAM2
SCRATCH = 28672  # SCRATCH_BYTES in stage.h, in DTCM
C_TYPES = {"uint8": "uint8_t", "int8": "int8_t", "int16": "int16_t", "int32": "int32_t"}


@dataclass(frozen=True)
class Layout:
    """macros: C name -> pointer expression; sram: bytes of the arena; results: buffers that the host may read at the
    end.
    """

    macros: Mapping[str, str]
    sram: int
    results: tuple[str, ...]


def lay_out(deployment: Deployment, tensors: Mapping[str, Tensor], nets: Mapping[int, Net]) -> Layout:
    """Plans the whole program; nets by index of their stage. Raises CompileError when the arena is larger than SRAM,
    naming the largest buffers.
    """
    spans: dict[str, tuple[int, int]] = {"frame": (-1, -1)}
    macros: dict[str, str] = {}
    inside: list[Buffer] = []
    now = 0

    def touch(name: str, first: int, last: int) -> None:
        spans[name] = (min(first, spans.get(name, (first, last))[0]), max(last, spans.get(name, (first, last))[1]))

    for index, stage in enumerate(deployment.stages):
        net = nets.get(index)
        steps = len(net.layers) + 1 if net else 1
        if not net:
            for name in (*stage.reads, *stage.writes):
                touch(name, now, now)
        else:
            bound = bind(stage, net)
            for inner, outer in bound.items():
                first, last = net.live()[inner]
                touch(outer, now + max(first, 0), now + max(last, 0))
            macros |= {f"t_{net.prefix}_{inner}": f"buf_{outer}" for inner, outer in bound.items()}
            fast = fast_tensors(net, bound)
            macros |= {f"t_{net.prefix}_{name}": f"((uint8_t *)scratch + {offset})" for name, offset in fast.items()}
            for name, (first, last) in net.live().items():
                if name not in bound and name not in fast:
                    inside.append(Buffer(f"t_{net.prefix}_{name}", net.tensors[name].nbytes, now + first, now + last))
        now += steps
    results = keep(deployment)
    for name in results:
        touch(name, now, now)
    buffers = [Buffer(f"buf_{name}", tensors[name].nbytes, *span) for name, span in spans.items()] + inside
    offsets, total = plan(buffers)
    if total > SRAM:
        raise CompileError(
            f"{deployment.method}: the buffers need {total - SRAM:,} bytes more SRAM than there is",
            expected=f"at most {SRAM:,} bytes",
            got=f"{total:,}; the largest: {largest(buffers)}",
            do="use smaller networks or frames",
        )
    for name, offset in offsets.items():
        dtype = tensors[name.removeprefix("buf_")].dtype if name.startswith("buf_") else "int8"
        macros[name] = f"(({C_TYPES[dtype]} *)(void *)(arena + {offset}))"
    return Layout(macros, total, results)


def bind(stage: Stage, net: Net) -> dict[str, str]:
    """The network's inputs and outputs -> the program's buffers."""
    inner = [tensor.name for tensor in (*net.inputs, *net.outputs)]
    if len(set(inner)) != len(inner):
        raise CompileError(
            f"stage net: {stage.params['model']} hands its input through", expected="separate inputs and outputs"
        )
    return dict(zip(inner, (*stage.reads, *stage.writes), strict=True))


def fast_tensors(net: Net, bound: Mapping[str, str]) -> dict[str, int]:
    """Offsets in scratch memory: working memory, then as many inner tensors as fit, the smallest first."""
    spans, chosen, offsets = net.live(), list[Buffer](), dict[str, int]()

    def order(name: str) -> tuple[bool, int]:
        return not name.startswith(SCRATCH_PREFIX), net.tensors[name].nbytes

    for name in sorted((n for n in net.tensors if n not in bound and n in spans), key=order):
        planned, total = plan([*chosen, Buffer(name, net.tensors[name].nbytes, *spans[name])])
        if total <= SCRATCH:
            chosen.append(Buffer(name, net.tensors[name].nbytes, *spans[name]))
            offsets = planned
    return offsets


def keep(deployment: Deployment) -> tuple[str, ...]:
    """Buffers that live until the end: what was sent, what was combined, the scores."""
    names = [name for stage in deployment.stages if stage.op in ("send", "combine", "exit_if") for name in stage.reads]
    names += [name for stage in deployment.stages if stage.op == "receive" for name in stage.writes]
    return tuple(dict.fromkeys([*(n for n in names if n != "frame"), "scores"]))


def largest(buffers: Iterable[Buffer]) -> str:
    top = sorted(buffers, key=lambda b: -b.nbytes)[:4]
    return ", ".join(f"{b.name.removeprefix('buf_')} {b.nbytes:,}" for b in top)
