"""C -> ELF for the Cortex-M7, with clang from the ziglang wheel or with arm-none-eabi-gcc. Builds are cached by
content.

zig cc turns -O3 into -O2, so the real -O3 goes through -Xclang; it also ignores ENTRY() in the linker script. Plain
-mcpu=cortex_m7 would be soft-float. Jump tables are off: they are loads and indirect branches in flash.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from bench.errors import CompileError, UnknownName
from bench.provenance import cache, text_hash

FIRMWARE = Path(__file__).resolve().parents[1] / "firmware"
SCRIPT = FIRMWARE / "stm32f746.ld"
BUILD = "@BUILD_ID_16_HEX"  # in generated text: replaced by the build id, which has the same length
HEADERS = "toolchain"  # what debug information calls the environment in which the compiler's own headers lie
COMMON = [
    *("-std=gnu11", "-ffreestanding", "-ffunction-sections", "-fdata-sections", "-fomit-frame-pointer"),
    *("-fno-jump-tables", "-ffp-contract=off", "-fno-math-errno", "-fno-unwind-tables"),
    *("-fno-asynchronous-unwind-tables", "-g", "-Wall", "-Wextra"),
]
LINK = ["-nostdlib", "-Wl,-e,reset_handler", "-Wl,-z,max-page-size=4", "-Wl,--gc-sections", f"-Wl,-T,{SCRIPT}"]


class TooLarge(CompileError):
    """The linker found no room in the chip's memory."""


@dataclass(frozen=True)
class Toolchain:
    """command: how it is called; version: one line; flags: those that decide the code, without paths."""

    name: str
    command: tuple[str, ...]
    version: str
    flags: tuple[str, ...]
    libraries: tuple[str, ...] = ()


@functools.cache
def toolchain(name: str) -> Toolchain:
    """ "zig" or "gcc". Raises UnknownName, or CompileError when it is not installed."""
    if name == "zig":
        cpu = ["-target", "thumb-freestanding-eabihf", "-mcpu=cortex_m7+fp_armv8d16sp", "-O2", "-Xclang", "-O3"]
        try:
            version = f"zig {metadata.version('ziglang')}"
        except metadata.PackageNotFoundError:
            raise CompileError(
                "the compiler is missing", expected="the ziglang package", do="run ./reproduce.sh"
            ) from None
        return Toolchain(name, (sys.executable, "-m", "ziglang", "cc"), version, (*cpu, *COMMON))
    if name == "gcc":
        path = shutil.which("arm-none-eabi-gcc")
        if path is None:
            raise CompileError(
                "arm-none-eabi-gcc is not on PATH",
                do="install Arm's GNU toolchain, or leave --compiler at its default, zig",
            )
        version = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
        cpu = ["-mcpu=cortex-m7", "-mthumb", "-mfloat-abi=hard", "-mfpu=fpv5-sp-d16", "-O3"]
        return Toolchain(name, (path,), version, (*cpu, *COMMON), ("-lgcc",))
    raise UnknownName("compiler", name, ("zig", "gcc"))


def compile_and_link(generated: Mapping[str, str], sources: Sequence[Path], tools: Toolchain) -> tuple[Path, str]:
    """Compiles and links the firmware with `sources` and the `generated` files (name -> text, all .c files compiled).

    Returns the ELF and its build id: 16 hex digits of the hash of every input. The same inputs are compiled only once.
    Raises TooLarge, or CompileError with the compiler's first complaint.
    """
    runtime = sorted([*FIRMWARE.rglob("*.[chS]"), SCRIPT])
    headers = sorted({header for source in sources for header in source.parent.glob("*.h")})
    files = [f"{path.name}\n{_text(path)}" for path in (*runtime, *headers, *sources)]
    inputs = [text for item in sorted(generated.items()) for text in item]
    build_id = text_hash(tools.version, *tools.flags, HEADERS, *LINK[:-1], *files, *inputs)[: len(BUILD)]
    folder = cache("builds", build_id)
    elf = folder / "firmware.elf"
    if not elf.is_file():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".partial-", dir=folder.parent) as partial:
            work = Path(partial) / "work"
            work.mkdir()
            for name, text in generated.items():
                (work / name).write_text(text.replace(BUILD, build_id))
            names = [name for name in sorted(generated) if name.endswith(".c")]
            everything = dict.fromkeys([*sorted(FIRMWARE.rglob("*.c")), *sources])
            _compile([*map(str, everything), *names], work, sources, tools)
            _publish(work, folder, elf)
    return elf, build_id


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        do = "restore it, or correct `sources` of the stage that names it"
        raise CompileError(f"{path}: C source of the firmware cannot be read ({reason})", do=do) from None


def _compile(sources: Sequence[str], work: Path, extra: Sequence[Path], tools: Toolchain) -> None:
    folders = dict.fromkeys([FIRMWARE, FIRMWARE / "stages", *(path.parent for path in extra)])
    maps = [f"-ffile-prefix-map={FIRMWARE}=firmware", f"-ffile-prefix-map={work}=.", f"-fdebug-prefix-map={work}=."]
    maps += [f"-ffile-prefix-map={path.parent}={path.parent.name}" for path in extra]
    environments = dict.fromkeys((sys.prefix, os.path.realpath(sys.prefix)))
    maps += [f"-ffile-prefix-map={path}={HEADERS}" for path in environments]
    command = [*tools.command, *tools.flags, *maps, *(f"-I{f}" for f in folders), *LINK, "-o", "firmware.elf", *sources]
    store = cache("zig")
    store.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {"ZIG_GLOBAL_CACHE_DIR": str(store), "ZIG_LOCAL_CACHE_DIR": str(store)}
    try:
        result = subprocess.run([*command, *tools.libraries], cwd=work, env=environment, capture_output=True, text=True)
    except OSError as error:
        raise CompileError(f"cannot run {tools.name}: {error.strerror}", do="see ./reproduce.sh doctor") from None
    if result.returncode != 0:
        raise _complaint(result.stderr + result.stdout, tools)


def _complaint(output: str, tools: Toolchain) -> CompileError:
    overflows = re.findall(r"region '?`?(\w+)'? ?:? overflowed by (\d+) bytes", output)
    if overflows:  # one for each section that finds no room, each with all sections before it
        where, over = max(overflows, key=lambda found: int(found[1]))
        return TooLarge(f"the program is {int(over):,} bytes too large for the chip's {where}")
    lines = [line.strip() for line in output.splitlines()]
    first = next((line for line in lines if re.search(r"\berror\b", line)), lines[-1] if lines else "no message")
    return CompileError(f"{tools.name} failed: {first}")


def _publish(work: Path, folder: Path, elf: Path) -> None:
    """Renames the finished build into place; another process may have been faster, with the same content."""
    try:
        work.rename(folder)
    except OSError:
        if not elf.is_file():
            raise
