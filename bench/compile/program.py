"""Deployment -> firmware: the C text of the device program, compiled and described."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.compile.layout import lay_out
from bench.compile.net import Net
from bench.compile.net_stage import networks
from bench.compile.source import program_c
from bench.compile.stages import check, first_buffer, kinds, label
from bench.compile.toolchain import BUILD, TooLarge, compile_and_link, toolchain
from bench.compile.views import with_views
from bench.errors import CompileError
from bench.method import Deployment, Part, Tensor

CLOCKS = (64_000_000, 128_000_000, 216_000_000)
PROTOCOL = 1
FLASH, RAM = 1 << 20, 320 << 10


@dataclass(frozen=True)
class Build:
    """A firmware for one deployment at one clock.

    stages: label -> the part of latency that it counts towards; layers: labels in order; buffers: what the host may
    read at the end, in the firmware's order; tensors: every buffer; macs: of all networks. flash, sram: bytes in use
    (sram with 8 KB stack).
    """

    elf: Path
    build_id: str
    clock_hz: int
    compiler: str
    stages: Mapping[str, Part]
    layers: tuple[str, ...]
    buffers: tuple[str, ...]
    tensors: Mapping[str, Tensor]
    payload: str | None
    reply: str | None
    macs: int
    flash: int
    sram: int


def build(deployment: Deployment, clock_hz: int, compiler: str = "zig") -> Build:
    """Compiles (or finds) the firmware. compiler: "zig" or "gcc". Raises CompileError."""
    if clock_hz not in CLOCKS:
        raise CompileError(
            "clock", expected=" or ".join(f"{c // 1_000_000} MHz" for c in CLOCKS), got=f"{clock_hz:,} Hz"
        )
    tensors, known = check(deployment), kinds(deployment)
    compiled = with_views(deployment, tensors)
    nets = networks(compiled.stages, deployment.folder)
    layout = lay_out(compiled, tensors, nets)
    tools = toolchain(compiler)
    layers = tuple(f"{net.prefix}/{layer.name}" for net in nets.values() for layer in net.layers)
    buffers = (*layout.results, "cycles", *(("layer_cycles",) if layers else ()))
    info = {
        "protocol": PROTOCOL,
        "build": BUILD,
        "compiler": tools.version,
        "flags": " ".join(tools.flags),
        "clock_hz": clock_hz,
        "program": f"{deployment.method} {deployment.dataset} {deployment.protocol}",
        "frame": tensors["frame"].nbytes,
        "buffers": list(buffers),
        "stages": [label(s) for s in deployment.stages],
        "layers": list(layers),
    }
    text = program_c(compiled, tensors, nets, layout, json.dumps(info), clock_hz)
    sources = sorted({path for s in deployment.stages for path in known[s.op].sources})
    try:
        elf, build_id = compile_and_link({"program.c": text}, sources, tools)
    except TooLarge as error:
        raise CompileError(
            f"{deployment.method}: {error.problem}",
            expected=f"at most {FLASH:,} bytes of flash and {RAM:,} of RAM",
            got=f"the most weights in {heaviest(nets.values())}",
            do="use smaller networks",
        ) from None
    flash, sram = sizes(elf)
    if flash > FLASH or sram > RAM:
        over = f"{flash - FLASH:,} bytes of flash" if flash > FLASH else f"{sram - RAM:,} bytes of RAM"
        raise CompileError(f"{deployment.method}: the program is {over} too large", do="use smaller networks")
    return Build(
        elf=elf,
        build_id=build_id,
        clock_hz=clock_hz,
        compiler=tools.version,
        stages={label(s): known[s.op].part for s in deployment.stages},
        layers=layers,
        buffers=buffers,
        tensors=tensors,
        payload=first_buffer(deployment, "send", "reads"),
        reply=first_buffer(deployment, "receive", "writes"),
        macs=sum(net.macs for net in nets.values()),
        flash=flash,
        sram=sram,
    )


def heaviest(nets: Iterable[Net]) -> str:
    """The layers with the most bytes of weights."""
    layers = sorted((layer for net in nets for layer in net.layers), key=lambda layer: -layer.weights)[:4]
    return ", ".join(f"{layer.name} {layer.weights:,}" for layer in layers) or "no layer"


def sizes(elf: Path) -> tuple[int, int]:
    """(flash, RAM) bytes that the segments of the ELF take up."""
    from elftools.elf.elffile import ELFFile

    flash = ram = 0
    with elf.open("rb") as file:
        for segment in ELFFile(file).iter_segments("PT_LOAD"):
            flash += segment["p_filesz"]
            ram += segment["p_memsz"] if segment["p_vaddr"] >= 0x20000000 else 0
    return flash, ram
