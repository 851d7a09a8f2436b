"""Runs compiled networks on the emulated board, layer by layer, in the smallest program that can hold them."""

from __future__ import annotations

from pathlib import Path

import emulator_programs as programs
import numpy as np
from host_net import FIRMWARE, arena

from bench.boards.emulator.stop import Reason
from bench.compile.net import Net
from bench.provenance import text_hash

DTCM_ROOM = 58 * 1024
FLAGS = ("-Xclang", "-O3", "-std=gnu11", "-fno-jump-tables", "-ffp-contract=off", f"-I{FIRMWARE}", "-Wall", "-Wextra")


def program(net: Net, values: np.ndarray) -> Path:
    """An ELF that runs the network twice (the second time with warm caches) and keeps each layer's cycles."""
    offsets, size = arena(net)
    place = 'section(".sram"), ' if size > DTCM_ROOM else ""
    text = [f"__attribute__(({place}aligned(8))) uint8_t arena[{size}];"]
    text += [f"#define t_{net.prefix}_{name} (arena + {offset})" for name, offset in offsets.items()]
    text += [
        net.declarations,
        f"static const uint8_t input[] = {{{', '.join(map(str, values.view(np.uint8).reshape(-1)))}}};",
    ]
    text += ["int main(void) {", "    for (int round = 0; round < 2; round++) {", "        uint32_t now = 0;"]
    text += [
        f"        for (unsigned i = 0; i < sizeof input; i++) (t_{net.prefix}_{net.inputs[0].name})[i] = input[i];"
    ]
    text += [f"        now = CYCLES; {call.call} result[{i}] = CYCLES - now;" for i, call in enumerate(net.layers)]
    headers = text_hash(*(h.read_text() for h in sorted((FIRMWARE / "kernels").glob("*.h"))))
    return programs.build("\n".join([f"// {headers}", *text, "    }", "    return 0;", "}"]), *FLAGS)


def run(net: Net, values: np.ndarray, assumption: str = "default") -> tuple[np.ndarray, dict[str, int]]:
    """The first output and the cycles of each layer."""
    offsets, _ = arena(net)
    board = programs.machine(program(net, values), assumption)
    stop = board.run()
    assert stop.reason is Reason.BKPT, str(stop)
    out = net.outputs[0]
    raw = board.load(board.image.symbols.addresses["arena"] + offsets[out.name], out.nbytes)
    cycles = programs.results(board, len(net.layers))
    return np.frombuffer(raw, np.int8).reshape(out.shape), dict(
        zip((layer.name for layer in net.layers), cycles, strict=True)
    )
