"""Runs program.c on a board and writes a calibration file."""

from __future__ import annotations

import json
from pathlib import Path

from bench.boards.base import Info
from bench.boards.calibration.fit import Cycles, penalties
from bench.boards.device import Device
from bench.boards.emulator.timing.parameters import CALIBRATION
from bench.boards.ports import is_emulated
from bench.compile.program import Build, sizes
from bench.compile.toolchain import compile_and_link, toolchain
from bench.files import replace
from bench.method import Tensor

PROGRAM = Path(__file__).with_name("program.c")
CLOCK_HZ = 216_000_000


def build() -> Build:
    """The firmware with the micro-benchmarks. Raises CompileError."""
    tools = toolchain("zig")
    elf, build_id = compile_and_link({PROGRAM.name: PROGRAM.read_text()}, [], tools)
    flash, sram = sizes(elf)
    tensors = {"frame": Tensor((4,), "uint8"), "scores": Tensor((len(Cycles._fields),), "int32")}
    return Build(
        elf=elf,
        build_id=build_id,
        clock_hz=CLOCK_HZ,
        compiler=tools.version,
        stages={"calibrate": "local"},
        layers=(),
        buffers=("scores", "cycles"),
        tensors=tensors,
        payload=None,
        reply=None,
        macs=0,
        flash=flash,
        sram=sram,
    )


def measure(url: str) -> tuple[Cycles, Info]:
    """What the board at `url` takes. Raises BoardError, UnknownName, CompileError."""
    with Device.open(url, build()) as device:
        return Cycles(*device.infer(bytes(4)).scores.tolist()), device.info


def calibrate(url: str, path: Path) -> dict[str, dict[str, int]]:
    """Measures and writes `path`: what cannot be measured keeps its value. Returns what was measured."""
    cycles, info = measure(url)
    found = penalties(cycles)
    file = json.loads(CALIBRATION.read_text())
    file["name"] = "stm32f746-emulated" if is_emulated(url) else f"stm32f746-{info.unique_id}"
    kept = ", ".join(name for part in found for name in file[part] if name not in found[part])
    file["note"] = f"Measured by board calibrate --board {url.partition('?')[0]}; taken over: {kept}."
    for part, values in found.items():
        file[part] |= values
    replace(path, json.dumps(file, indent=2) + "\n")
    return found
