"""Runs compiled networks on the emulated board, layer by layer, in the smallest program that can hold them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import emulator_programs as programs
import numpy as np
from host_net import FIRMWARE, arena

from bench.boards.emulator.stop import Reason
from bench.compile.net import Net
from bench.provenance import text_hash

DTCM_ROOM = 58 * 1024
FLAGS = ("-Xclang", "-O3", "-std=gnu11", "-fno-jump-tables", "-ffp-contract=off", f"-I{FIRMWARE}", "-Wall", "-Wextra")


def program(nets: Sequence[Net], values: Sequence[np.ndarray]) -> Path:
    """An ELF that runs each network twice (the second time with warm caches) and keeps its output, and each layer's
    cycles of the last network.
    """
    sizes = [arena(net)[1] for net in nets]
    place = 'section(".sram"), ' if max(sizes) > DTCM_ROOM else ""
    text = [f"__attribute__(({place}aligned(8))) uint8_t arena[{max(sizes)}];"]
    main = ["int main(void) {", "    uint32_t now = 0;"]
    for number, (net, given) in enumerate(zip(nets, values, strict=True)):
        offsets, out = arena(net)[0], net.outputs[0]
        text += [f"#define t_{net.prefix}_{name} (arena + {offset})" for name, offset in offsets.items()]
        pixels = ", ".join(map(str, given.view(np.uint8).reshape(-1)))
        text += [
            net.declarations,
            f"static const uint8_t input_{number}[] = {{{pixels}}};",
            f'__attribute__((section(".sram"))) uint8_t output_{number}[{out.nbytes}];',
        ]
        source, target = f"t_{net.prefix}_{net.inputs[0].name}", f"t_{net.prefix}_{out.name}"
        main.append("    for (int round = 0; round < 2; round++) {")
        main.append(f"        for (unsigned i = 0; i < sizeof input_{number}; i++) ({source})[i] = input_{number}[i];")
        main += [f"        now = CYCLES; {c.call} result[{i}] = CYCLES - now;" for i, c in enumerate(net.layers)]
        main.append("    }")
        main.append(f"    for (unsigned i = 0; i < {out.nbytes}; i++) output_{number}[i] = ({target})[i];")
    headers = text_hash(*(h.read_text() for h in sorted((FIRMWARE / "kernels").glob("*.h"))))
    return programs.build("\n".join([f"// {headers}", *text, *main, "    return 0;", "}"]), *FLAGS)


def run_all(nets: Sequence[Net], values: Sequence[np.ndarray], assumption: str = "default"):
    """The first output of each network, and the board after the run."""
    board = programs.machine(program(nets, values), assumption)
    stop = board.run()
    assert stop.reason is Reason.BKPT, str(stop)
    outputs = []
    for number, net in enumerate(nets):
        out = net.outputs[0]
        raw = board.load(board.image.symbols.addresses[f"output_{number}"], out.nbytes)
        outputs.append(np.frombuffer(raw, np.int8).reshape(out.shape))
    return outputs, board


def run(net: Net, values: np.ndarray, assumption: str = "default") -> tuple[np.ndarray, dict[str, int]]:
    """The first output and the cycles of each layer."""
    (output,), board = run_all([net], [values], assumption)
    cycles = programs.results(board, len(net.layers))
    return output, dict(zip((layer.name for layer in net.layers), cycles, strict=True))
