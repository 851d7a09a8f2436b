"""Compiles networks for this computer (portable meaning of the DSP instructions) and runs them on a planned arena."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

import bench
from bench.compile.lower import compile_net
from bench.compile.net import Net
from bench.compile.planner import Buffer, plan

FIRMWARE = Path(bench.__file__).parent / "firmware"
GUARD = 64  # bytes around the arena that must stay as they are


def arena(net: Net) -> tuple[dict[str, int], int]:
    """Offsets of all tensors, by live range."""
    live = net.live()
    return plan(Buffer(name, t.nbytes, *live[name]) for name, t in net.tensors.items())


def source(nets: list[Net]) -> str:
    """C text with one function `run_N(arena)` per network."""
    text = []
    for number, net in enumerate(nets):
        offsets, _ = arena(net)
        text += [f"#define t_{net.prefix}_{name} (arena + {offset})" for name, offset in offsets.items()]
        text.append(net.declarations)
        calls = "\n    ".join(layer.call for layer in net.layers)
        text.append(f"void run_{number}(uint8_t *arena) {{\n    {calls}\n}}")
    return "\n".join(text)


def run(
    models: list[bytes], inputs: list[list[np.ndarray]], uint8_input: bool = False, sanitize: bool = True
) -> list[list[np.ndarray]]:
    """Outputs of every model for its inputs, from compiled C. Fails if a kernel writes outside its arena.

    sanitize: also crash on undefined behaviour (compiles three times slower).
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        nets = []
        for number, model in enumerate(models):
            path = folder / f"m{number}.tflite"
            path.write_bytes(model)
            nets.append(compile_net(path, f"n{number}", uint8_input))
        (folder / "nets.c").write_text(source(nets))
        library = folder / "nets.so"
        flags = ["-O1", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror"]
        flags += ["-fsanitize=undefined", "-fsanitize-trap=undefined"] if sanitize else ["-fno-sanitize=all"]
        command = [
            sys.executable,
            "-m",
            "ziglang",
            "cc",
            *flags,
            f"-I{FIRMWARE}",
            "-o",
            str(library),
            str(folder / "nets.c"),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[:3000]
        code = ctypes.CDLL(str(library))
        return [
            _run(getattr(code, f"run_{i}"), net, values)
            for i, (net, values) in enumerate(zip(nets, inputs, strict=True))
        ]


def _run(function, net: Net, values: list[np.ndarray]) -> list[np.ndarray]:
    offsets, size = arena(net)
    memory = np.full(size + 2 * GUARD + 8, 0xA5, np.uint8)
    start = GUARD + (-(memory.ctypes.data + GUARD)) % 8
    inside = memory[start : start + size]
    for tensor, value in zip(net.inputs, values, strict=True):
        inside[offsets[tensor.name] :][: tensor.nbytes] = value.reshape(-1).view(np.uint8)
    function(ctypes.c_void_p(memory.ctypes.data + start))
    assert np.all(memory[:start] == 0xA5) and np.all(memory[start + size :] == 0xA5), (
        "a kernel wrote outside its memory"
    )
    return [inside[offsets[t.name] :][: t.nbytes].view(np.int8).reshape(t.shape).copy() for t in net.outputs]
