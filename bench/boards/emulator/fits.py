"""Is an ELF file a program for this chip, and does it fit?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from bench.boards.emulator.memory import MAPPED, SYSTEM
from bench.errors import BoardError

ROOMS = [region for region in MAPPED if region is not SYSTEM]
NAMED = 3  # variables in a message


def check_processor(path: Path, elf: ELFFile) -> None:
    """Raises BoardError for another processor, or for a file that is not linked."""
    got = f"{elf.elfclass}-bit {elf.header['e_machine']} {'little' if elf.little_endian else 'big'}-endian"
    profile = _profile(elf)
    if elf.elfclass != 32 or elf.header["e_machine"] != "EM_ARM" or not elf.little_endian or profile not in "MS":
        got += f", Cortex-{profile}" if profile in ("A", "R") else ""
        raise BoardError(
            f"{path}: built for another processor",
            expected="32-bit EM_ARM little-endian, Cortex-M",
            got=got,
            do="build it for -mcpu=cortex-m7",
        )
    if elf.header["e_type"] != "ET_EXEC":
        raise BoardError(
            f"{path}: not a linked program", expected="ET_EXEC", got=elf.header["e_type"], do="link it first"
        )


def check_room(path: Path, elf: ELFFile) -> None:
    """Raises BoardError where something lies outside memory: by how much, and the largest variables there."""
    for header in elf.iter_segments():
        if header["p_type"] == "PT_LOAD":
            for start, size in ((header["p_paddr"], header["p_filesz"]), (header["p_vaddr"], header["p_memsz"])):
                room = next((room for room in ROOMS if start in room), None)
                if size and room is None:
                    raise BoardError(
                        f"{path}: lies outside the STM32F746's memory",
                        expected=", ".join(f"{r.name} {r.start:#010x}..{r.end:#010x}" for r in ROOMS),
                        got=f"{size:,} bytes at {start:#010x}",
                        do="link it with a script for this chip",
                    )
                if size and room and start + size > room.end:
                    raise BoardError(
                        f"{path}: does not fit the STM32F746's memory",
                        expected="flash 1 MB, RAM 320 KB",
                        got=f"{start:#010x}..{start + size:#010x} "
                        f"({start + size - room.end:,} bytes past the end of {room.name})",
                        do=_largest(elf, header["p_vaddr"], header["p_vaddr"] + header["p_memsz"]),
                    )


def _profile(elf: ELFFile) -> str:
    """M, A, R or S (A or R and M) as the compiler notes it; M where it says nothing."""
    section: Any = elf.get_section_by_name(".ARM.attributes")
    if section is not None:
        for group in section.iter_subsections():
            for part in group.iter_subsubsections():
                for attribute in part.iter_attributes("TAG_CPU_ARCH_PROFILE"):
                    return chr(attribute.value) if attribute.value else "M"
    return "M"


def _largest(elf: ELFFile, start: int, end: int) -> str:
    """The largest variables between two addresses, as advice."""
    found = {
        (symbol["st_size"], symbol.name)
        for section in elf.iter_sections()
        if isinstance(section, SymbolTableSection)
        for symbol in section.iter_symbols()
        if symbol["st_info"]["type"] == "STT_OBJECT" and start <= symbol["st_value"] < end
    }
    names = [f"{name} ({size:,} bytes)" for size, name in sorted(found, reverse=True)[:NAMED]]
    return f"make smaller: {', '.join(names)}" if names else "make the program smaller, or correct its addresses"
