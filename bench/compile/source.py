"""The C text of a device program: buffers, one function per stage, the tables that the command loop reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from bench.compile.layout import Layout
from bench.compile.net import Net
from bench.compile.stages import first_buffer, kinds
from bench.compile.toolchain import BUILD
from bench.errors import CompileError
from bench.method import Deployment, Tensor


def program_c(
    deployment: Deployment,
    tensors: Mapping[str, Tensor],
    nets: Mapping[int, Net],
    layout: Layout,
    info: str,
    clock_hz: int,
) -> str:
    """info: JSON that the host reads from the board; nets by index of their stage."""
    known = kinds(deployment)
    sources = dict.fromkeys(path for stage in deployment.stages for path in known[stage.op].sources)
    lines = [
        '#include "program.h"',
        '#include "registers.h"',
        *(f'#include "{header(path).name}"' for path in sources),
        f'__attribute__((section(".arena"), aligned(8))) static uint8_t arena[{layout.sram}];',
        *(f"#define {name} {place}" for name, place in sorted(layout.macros.items())),
    ]
    coded = {name for stage in deployment.stages if stage.op == "code" for name in stage.writes}
    for name, tensor in tensors.items():
        lines.append(f"static uint32_t len_{name} __attribute__((unused)) = {0 if name in coded else tensor.nbytes};")
    layer_count = sum(len(net.layers) for net in nets.values())
    lines.append(f"static uint32_t cycles[{len(deployment.stages)}], layer_cycles[{max(1, layer_count)}];")
    lines.append("static const uint32_t len_cycles = sizeof cycles;")
    lines.append("static const uint32_t len_layer_cycles __attribute__((unused)) = sizeof layer_cycles;")
    done = 0
    for net in nets.values():
        lines.append(net_function(net, done))
        done += len(net.layers)
    for index, stage in enumerate(deployment.stages):
        call = known[stage.op].call(stage, tensors)
        lines.append(f"static enum stage_result stage_{index}(void) {{ return {call}; }}")
    lines.append(tables(deployment, tensors, layout, info, clock_hz, bool(layer_count)))
    return "\n".join(lines) + "\n"


def header(source: Path) -> Path:
    """The header that declares a method's own stage functions. Raises CompileError if it is not beside the source."""
    path = source.with_suffix(".h")
    if not path.is_file():
        raise CompileError(
            f"{source}: no header beside it", expected=path.name, do="declare the stage's function there"
        )
    return path


def net_function(net: Net, first: int) -> str:
    """One function that runs all layers and notes the cycles of each; `first` is the index of its first layer."""
    body = [
        f"    {layer.call}\n    after = DWT_CYCCNT, layer_cycles[{first + i}] = after - before, before = after;"
        for i, layer in enumerate(net.layers)
    ]
    head = f"static enum stage_result net_{net.prefix}(void) {{\n    uint32_t before = DWT_CYCCNT, after;"
    return "\n".join([net.declarations, head, *body, "    return STAGE_NEXT;\n}"])


def tables(
    deployment: Deployment, tensors: Mapping[str, Tensor], layout: Layout, info: str, clock_hz: int, has_layers: bool
) -> str:
    rows = [f"    {{buf_{name}, &len_{name}}}," for name in layout.results]
    rows += ["    {cycles, &len_cycles},"] + ["    {layer_cycles, &len_layer_cycles},"] * has_layers
    functions = ", ".join(f"stage_{i}" for i in range(len(deployment.stages)))
    payload, reply = first_buffer(deployment, "send", "reads"), first_buffer(deployment, "receive", "writes")
    fields = {
        "info": "info",
        "info_bytes": len(info.encode()),
        "build": f'"{BUILD}"',
        "clock_hz": clock_hz,
        "buffers": "buffers",
        "buffer_count": len(rows),
        "stages": "stages",
        "stage_count": len(deployment.stages),
        "cycles": "cycles",
        "frame": "buf_frame",
        "frame_bytes": tensors["frame"].nbytes,
        "reply": f"(uint8_t *)buf_{reply}" if reply else 0,
        "reply_bytes": tensors[reply].nbytes if reply else 0,
        "payload_bytes": f"&len_{payload}" if payload else 0,
    }
    return "\n".join([
        f"static const char info[] = {json.dumps(info)};",
        "static const struct buffer buffers[] = {", *rows, "};",
        f"static enum stage_result (*const stages[])(void) = {{{functions}}};",
        "const struct program program = {", *(f"    .{key} = {value}," for key, value in fields.items()), "};",
    ])  # fmt: skip
