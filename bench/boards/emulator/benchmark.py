"""How fast the emulator is: `./reproduce.sh board bench` writes results/benchmarks/emulator.csv."""

from __future__ import annotations

import csv
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from bench import provenance
from bench.boards.emulator.image import Image
from bench.boards.emulator.machine import Machine
from bench.boards.emulator.stop import Reason
from bench.errors import BoardError

FOLDER = Path(__file__).with_name("benchmark_program")
KERNELS = {"pointwise": (1, 80), "depthwise": (2, 160)}  # name -> (KERNEL, REPEAT)
FLAGS = ("-O2", "-ffreestanding", "-fomit-frame-pointer", "-fno-math-errno", "-nostdlib", "-g")
RUNS = 5
COMMAND = "./reproduce.sh board bench"


def write(target: Path) -> None:
    """Measures and writes metric,value,unit,command rows; prints them too. MIPS: median of RUNS, CPU time, model on."""
    rows: list[tuple[str, str, str]] = []
    for name, (kernel, repeat) in KERNELS.items():
        image = Image.load(_build(kernel, repeat))
        results = [_measure(image) for _ in range(RUNS)]
        cycles = {board.cycles for board, _, _ in results}
        if len(cycles) != 1:
            raise BoardError(f"{name}: cycle counts differ from run to run", expected="one value", got=sorted(cycles))
        board = results[0][0]
        mips = statistics.median(board.instructions / seconds / 1e6 for _, seconds, _ in results)
        rows.append((f"mips_{name}", f"{mips:.1f}", "million instructions per second"))
        rows.append((f"instructions_{name}", str(board.instructions), "instructions"))
        rows.append((f"cycles_{name}", str(board.cycles), "cycles"))
        rows.append((f"start_{name}", f"{1000 * statistics.median(ready for _, _, ready in results):.1f}", "ms"))
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    with partial.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("metric", "value", "unit", "command"))
        writer.writerows((*row, COMMAND) for row in rows)
    os.replace(partial, target)
    for metric, value, unit in rows:
        print(f"{metric:24} {value:>12} {unit}")
    print(f"written to {target}")


def _measure(image: Image) -> tuple[Machine, float, float]:
    """One run: the machine, seconds of emulation, seconds until the machine was ready."""
    before = time.process_time()
    board = Machine(image)
    ready = time.process_time()
    stop = board.run()
    if stop.reason is not Reason.BKPT:
        raise BoardError(f"the benchmark program ended with {stop}", expected="bkpt")
    return board, time.process_time() - ready, ready - before


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
    elf.parent.mkdir(parents=True, exist_ok=True)
    partial = elf.with_suffix(f".{os.getpid()}.partial")
    command = [sys.executable, "-m", "ziglang", "cc", "-target", "thumb-freestanding-eabihf"]
    command += ["-mcpu=cortex_m7+fp_armv8d16sp", *flags, "-Wl,-e,start", "-Wl,-z,max-page-size=4"]
    command += [f"-Wl,-T,{layout}", "-o", str(partial), str(source)]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        raise BoardError(f"{source} does not compile: {result.stderr.strip()[-600:]}", do="run ./reproduce.sh doctor")
    os.replace(partial, elf)
    return elf
