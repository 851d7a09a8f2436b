"""The rows of a profile: cycles, bytes and memory of every device stage and of every layer of its networks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.boards.emulator.image import Image
from bench.compile import stages
from bench.compile.layout import lay_out
from bench.compile.net import Net
from bench.compile.net_stage import networks
from bench.compile.program import Build
from bench.compile.views import with_views
from bench.method import Deployment, Stage

ITCM_END = 16 * 1024


@dataclass(frozen=True)
class Row:
    """A stage (layer "") or one layer of its network.

    tensor_bytes: what it reads and writes, each value once; weight_bytes: its constants in flash (of layers only).
    code: where its function lies, "" for several or none; reads, writes: where its buffers lie.
    """

    stage: str
    layer: str
    macs: int
    cycles: int
    tensor_bytes: int
    weight_bytes: int
    code: str
    reads: str
    writes: str

    @property
    def per_mac(self) -> float | None:
        return self.cycles / self.macs if self.macs else None


class Profile:
    """Of one `run` of bench.measure with this build of the deployment."""

    def __init__(self, deployment: Deployment, build: Build, run: Mapping[str, Any]) -> None:
        self.deployment, self.build, self.run = deployment, build, run
        self.kinds = stages.kinds(deployment)
        self.compiled = with_views(deployment, build.tensors)
        self.nets = networks(self.compiled.stages, deployment.folder)
        self.places = lay_out(self.compiled, build.tensors, self.nets).macros
        self.symbols = Image.load(build.elf).symbols.addresses

    def rows(self) -> Iterator[Row]:
        """In program order, a stage before its layers; without the stages behind an early end."""
        for index, stage in enumerate(self.deployment.stages):
            if not self.run["cycles"][stages.label(stage)]:
                continue
            layers = list(self._layers(stage, self.nets[index])) if index in self.nets else []
            yield self._stage(stages.label(stage), self.compiled.stages[index], layers)
            yield from layers

    def _stage(self, label: str, stage: Stage, layers: Sequence[Row]) -> Row:
        names = (*stage.reads, *stage.writes)
        moved, code = sum(row.tensor_bytes for row in layers), ""
        if not layers:
            sizes = {name: self.build.tensors[name].nbytes for name in names}
            sizes |= {name: self.run["payload_up"] for name in names if name == self.build.payload}
            moved = sum(sizes.values())
            code = self._code(self.kinds[stage.op].call(stage, self.build.tensors).partition("(")[0])
        macs, weights = sum(row.macs for row in layers), sum(row.weight_bytes for row in layers)
        reads, writes = ([f"buf_{name}" for name in side] for side in (stage.reads, stage.writes))
        cycles = self.run["cycles"][label]
        return Row(label, "", macs, cycles, moved, weights, code, self._region(reads), self._region(writes))

    def _layers(self, stage: Stage, net: Net) -> Iterator[Row]:
        for layer in net.layers:
            out = layer.writes[0]  # behind it there is working memory
            moved = sum(net.tensors[name].nbytes for name in (*layer.reads, out))
            reads, writes = ([f"t_{net.prefix}_{name}" for name in side] for side in (layer.reads, (out,)))
            yield Row(
                stage=stages.label(stage),
                layer=layer.name,
                macs=layer.macs,
                cycles=self.run["layers"][f"{net.prefix}/{layer.name}"],
                tensor_bytes=moved,
                weight_bytes=layer.weights,
                code=self._code(f"{net.prefix}_{layer.name}"),
                reads=self._region(reads),
                writes=self._region(writes),
            )

    def _code(self, function: str) -> str:
        address = self.symbols.get(function)
        return "" if address is None else "itcm" if address < ITCM_END else "flash"

    def _region(self, buffers: Sequence[str]) -> str:
        return "+".join(sorted({"dtcm" if "scratch" in self.places[name] else "sram" for name in buffers}))
