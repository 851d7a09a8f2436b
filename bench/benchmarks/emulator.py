"""How fast the emulator is, beside unicorn alone on the same programs; and how long whole inferences take on it."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

import unicorn as uc
from unicorn import arm_const as arm
from unicorn import unicorn_const as const

from bench import provenance
from bench.benchmarks import Row, inference
from bench.boards.emulator.image import Image
from bench.boards.emulator.machine import Machine
from bench.boards.emulator.memory import REGISTERS
from bench.boards.emulator.stop import Reason
from bench.boards.emulator.storage import Storage
from bench.errors import BoardError
from bench.files import partial

FOLDER = Path(__file__).with_name("emulator_program")
KERNELS = {"pointwise": (1, 80), "depthwise": (2, 160)}  # name -> (KERNEL, REPEAT)
FLAGS = ("-O2", "-ffreestanding", "-fomit-frame-pointer", "-fno-math-errno", "-nostdlib", "-g")
RUNS = 5


def measure() -> list[Row]:
    """Medians of RUNS. mips: CPU time, timing model and cache simulation on; slowdown: against unicorn alone."""
    rows: list[Row] = []
    for name, (kernel, repeat) in KERNELS.items():
        image = Image.load(_build(kernel, repeat))
        boards, ready, seconds, bare = zip(*((*_measure(image), _bare(image)) for _ in range(RUNS)), strict=True)
        cycles = {board.cycles for board in boards}
        if len(cycles) != 1:
            raise BoardError(f"{name}: cycle counts differ from run to run", expected="one value", got=sorted(cycles))
        million = boards[0].instructions / 1e6
        slowdown = statistics.median(a / b for a, b in zip(seconds, bare, strict=True))
        rows += [
            (f"mips_{name}", million / statistics.median(seconds), "million instructions per second"),
            (f"mips_{name}_unicorn_alone", million / statistics.median(bare), "million instructions per second"),
            (f"slowdown_{name}", slowdown, "ratio"),
            (f"instructions_{name}", boards[0].instructions, "instructions"),
            (f"cycles_{name}", boards[0].cycles, "cycles"),
            (f"start_{name}", 1000 * statistics.median(ready), "ms"),
        ]
    return rows + inference.measure()


def _bare(image: Image) -> float:
    """Seconds that unicorn takes for the same program without a hook."""
    machine = uc.Uc(uc.UC_ARCH_ARM, uc.UC_MODE_THUMB | uc.UC_MODE_MCLASS)
    machine.ctl_set_cpu_model(arm.UC_CPU_ARM_CORTEX_M7)
    storage = Storage(machine)
    for segment in image.segments:
        storage.store(segment.address, segment.data)
    for start, size in REGISTERS:
        machine.mem_map(start, size)
    machine.hook_add(const.UC_HOOK_INTR, lambda machine, *_: machine.emu_stop())
    machine.reg_write(arm.UC_ARM_REG_SP, image.stack)
    before = time.process_time()
    machine.emu_start(image.entry | 1, 0xFFFFFFFE)
    return time.process_time() - before


def _measure(image: Image) -> tuple[Machine, float, float]:
    """One run: the machine, seconds until it was ready, seconds of emulation."""
    before = time.process_time()
    board = Machine(image)
    ready = time.process_time()
    stop = board.run()
    if stop.reason is not Reason.BKPT:
        raise BoardError(f"the benchmark program ended with {stop}", expected="bkpt")
    return board, ready - before, time.process_time() - ready


def _build(kernel: int, repeat: int) -> Path:
    """The program as an ELF, cached by content."""
    source, layout = FOLDER / "program.c", FOLDER / "program.ld"
    flags = (*FLAGS, f"-DKERNEL={kernel}", f"-DREPEAT={repeat}")
    version = provenance.versions().get("ziglang", "")
    elf = (
        provenance.cache("builds")
        / f"emulator-{provenance.text_hash(source.read_bytes(), layout.read_bytes(), *flags, version)[:16]}.elf"
    )
    if elf.exists():
        return elf
    command = [sys.executable, "-m", "ziglang", "cc", "-target", "thumb-freestanding-eabihf"]
    command += ["-mcpu=cortex_m7+fp_armv8d16sp", *flags, "-Wl,-e,start", "-Wl,-z,max-page-size=4"]
    with partial(elf) as temporary:
        command += [f"-Wl,-T,{layout}", "-o", str(temporary), str(source)]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode:
            message = result.stderr.strip()[-600:]
            raise BoardError(f"{source} does not compile: {message}", do="run ./reproduce.sh doctor")
    return elf
