"""`doctor`: what is here, what is missing, and how to get it. Imports nothing slow and starts nothing that lasts."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from bench import provenance
from bench.cli import Command
from bench.errors import BenchError
from bench.files import existing

NEEDED_GB = 2  # builds, records and a short training; data sets come on top


class Doctor(Command):
    claim = "says what is here, what is missing and how to get it"
    minutes = "0.1"

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--data-dir", type=Path, help="look in this folder of NAME.npz files first")

    def run(self, args: argparse.Namespace) -> int:
        def data() -> list[str]:
            from bench.download import survey

            return survey(args.data_dir)

        sections: dict[str, Callable[[], list[str]]] = {
            "versions": versions,
            "compiler": compilers,
            "emulator": emulator,
            "data": data,
            "serial ports": ports,
            "disk": disk,
        }
        for title, section in sections.items():
            print(f"{title}\n" + "\n".join(f"  {line}" for line in section()), flush=True)
        return 0


def versions() -> list[str]:
    found = provenance.versions()
    commit = provenance.git_commit() or "not a git clone"
    return [f"agilenn-bench {commit}", ", ".join(f"{name} {version}" for name, version in found.items())]


def compilers() -> list[str]:
    """The default compiler must answer; the other is an option."""
    zig = answer([sys.executable, "-m", "ziglang", "version"])
    lines = [f"zig {zig} (default)" if zig else "zig: does not answer; remove .venv and run ./reproduce.sh again"]
    gcc = shutil.which("arm-none-eabi-gcc")
    version = answer([gcc, "-dumpversion"]) if gcc else ""
    return [*lines, f"arm-none-eabi-gcc {version or 'is not here (optional, for --compiler gcc)'}"]


def answer(command: list[str]) -> str:
    """The first line that a program prints, or "" if it does not run."""
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout.strip().partition("\n")[0] if result.returncode == 0 else ""


def emulator() -> list[str]:
    """The emulated board's self-test."""
    try:
        from bench.boards.emulator.selftest import selftest
    except ImportError as error:
        return [f"missing ({error})"]
    try:
        return [f"emu://stm32f746: {selftest()}"]
    except BenchError as error:
        return [f"emu://stm32f746 fails: {error}"]


def ports() -> list[str]:
    """Serial ports, and for each that this user may not open, the fix."""
    from serial.tools.list_ports import comports

    lines = []
    for port in (p for p in comports() if p.hwid != "n/a"):  # n/a: the PC's own UART, mostly not even wired
        allowed = os.access(port.device, os.R_OK | os.W_OK)
        hint = "" if allowed else " - no permission: sudo usermod -aG dialout $USER, then log in again"
        lines.append(f"{port.device} {port.description}{hint}")
    return lines or ["none: a board is optional, the emulated one is used"]


def disk() -> list[str]:
    folder = provenance.cache()
    free = shutil.disk_usage(existing(folder)).free / 1e9
    low = f" - little: some work needs {NEEDED_GB} GB; another folder: AGILENN_CACHE=DIR" if free < NEEDED_GB else ""
    return [f"cache {folder}, {free:.1f} GB free{low}"]
