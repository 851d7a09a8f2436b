"""Reads an ELF file for the STM32F746: what to load where, the vector table, and the names of addresses."""

from __future__ import annotations

import bisect
import struct
from dataclasses import dataclass
from pathlib import Path

from elftools.common.exceptions import ELFError
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from bench.boards.emulator.fits import check_processor, check_room
from bench.boards.emulator.memory import FLASH, FLASH_ITCM, RAM, Region, region_of
from bench.errors import BoardError

VECTOR_SECTIONS = (".isr_vector", ".isr_vectors", ".vectors", ".vector_table", ".intvec", ".cs3.interrupt_vector")


@dataclass(frozen=True)
class Segment:
    """Bytes at their load address; runs_at: where the program uses them; executable as the program header says."""

    address: int
    runs_at: int
    data: bytes
    executable: bool

    @property
    def end(self) -> int:
        return self.address + len(self.data)


class Symbols:
    """Addresses -> names; functions first, other labels where no function lies."""

    def __init__(self, entries: list[tuple[int, int, str]], objects: dict[str, int]) -> None:
        """entries: code as (address, size in bytes or 0, name); objects: name -> address of variables."""
        self._entries = sorted(entries)
        self._starts = [start for start, _, _ in self._entries]
        self.addresses = objects | {name: start for start, _, name in self._entries}

    def at(self, address: int) -> str:
        """The function that holds `address`, or "?"."""
        index = bisect.bisect_right(self._starts, address) - 1
        if index < 0:
            return "?"
        start, size, name = self._entries[index]
        return name if (address < start + size if size else region_of(start) is region_of(address)) else "?"

    def place(self, address: int) -> str:
        """Address and name, for messages."""
        return f"{address:#010x} ({self.describe(address)})"

    def describe(self, address: int) -> str:
        """ "name+0x12" for messages, or "no symbol"."""
        name = self.at(address)
        if name == "?":
            return "no symbol"
        offset = address - self._starts[bisect.bisect_right(self._starts, address) - 1]
        return f"{name}+{offset:#x}" if offset else name


@dataclass(frozen=True)
class Image:
    """A program ready to load. vectors: address of the vector table; stack, entry: its first two words."""

    path: Path
    segments: tuple[Segment, ...]
    symbols: Symbols
    vectors: int
    stack: int
    entry: int

    def has_code_in(self, region: Region) -> bool:
        """Whether it runs code there."""
        return self.entry in region or any(s.executable and s.runs_at in region for s in self.segments)

    @classmethod
    def load(cls, path: Path) -> Image:
        """Raises BoardError for a file that is not a complete bare-metal ELF for this chip."""
        try:
            with path.open("rb") as file:
                elf = ELFFile(file)
                check_processor(path, elf)
                check_room(path, elf)
                segments, symbols = _segments(path, elf), _symbols(elf)
                places = _vector_sections(elf)
                hint = int(elf.header["e_entry"])
        except OSError as error:
            raise BoardError(f"{path}: cannot read the firmware ({error.strerror})", do="name an ELF file") from None
        except BoardError:
            raise
        except (ELFError, ValueError, LookupError, TypeError, AttributeError, AssertionError) as error:
            raise BoardError(
                f"{path}: not a complete ELF file ({error})",
                expected="a linked program for ARM Cortex-M",
                do="build it again",
            ) from None
        vectors, stack, entry = _vectors(path, segments, places, hint)
        return cls(path, segments, symbols, vectors, stack, entry)


def _segments(path: Path, elf: ELFFile) -> tuple[Segment, ...]:
    found = []
    for header in elf.iter_segments():
        if header["p_type"] != "PT_LOAD" or not header["p_filesz"]:
            continue
        segment = Segment(header["p_paddr"], header["p_vaddr"], header.data(), bool(header["p_flags"] & 1))
        if len(segment.data) != header["p_filesz"]:
            raise BoardError(f"{path}: truncated", expected=f"{header['p_filesz']} bytes", got=len(segment.data))
        found.append(segment)
    if not found:
        raise BoardError(f"{path}: nothing to load", expected="at least one load segment", do="link the program")
    return tuple(sorted(found, key=lambda s: s.address))


def _symbols(elf: ELFFile) -> Symbols:
    entries: dict[int, tuple[int, int, str]] = {}
    objects: dict[str, int] = {}
    for section in elf.iter_sections():
        if not isinstance(section, SymbolTableSection):
            continue
        for symbol in section.iter_symbols():
            kind, name = symbol["st_info"]["type"], symbol.name
            function = kind == "STT_FUNC"
            label = kind == "STT_NOTYPE" and symbol["st_shndx"] not in ("SHN_UNDEF", "SHN_ABS")
            if kind == "STT_OBJECT":
                objects[name] = symbol["st_value"]
            if not name or name.startswith("$") or not (function or label):
                continue
            address = symbol["st_value"] & ~1 if function else symbol["st_value"]
            if function or address not in entries:
                entries[address] = (address, symbol["st_size"], name)
    return Symbols(list(entries.values()), objects)


def _vector_sections(elf: ELFFile) -> list[int]:
    """Load addresses of sections that carry a vector table's usual name."""
    places = []
    for section in elf.iter_sections():
        if section.name in VECTOR_SECTIONS and section["sh_size"] >= 8:
            for header in elf.iter_segments():
                offset = section["sh_addr"] - header["p_vaddr"]
                if header["p_type"] == "PT_LOAD" and 0 <= offset < header["p_filesz"]:
                    places.append(header["p_paddr"] + offset)
    return places


def _vectors(path: Path, segments: tuple[Segment, ...], places: list[int], hint: int) -> tuple[int, int, int]:
    """(address, initial stack pointer, reset handler); if several look right, the one with the ELF's entry."""
    candidates = [*places, FLASH.start, FLASH_ITCM.start, *(segment.address for segment in segments)]
    valid, seen = [], ""
    for address in dict.fromkeys(candidates):
        words = _words(segments, address)
        if words is None:
            continue
        stack, entry = words
        seen = seen or f"{stack:#010x} and {entry:#010x} at {address:#010x}"
        stack_fits = stack % 4 == 0 and any(region.start < stack <= region.end for region in RAM)
        if stack_fits and entry & 1 and region_of(entry) is not None:
            valid.append((address, stack, entry))
    if not valid:
        raise BoardError(
            f"{path}: no vector table",
            expected=f"stack pointer and reset handler at {FLASH.start:#010x}, in .isr_vector or at a segment's start",
            got=seen or "nothing there",
            do="place the vector table (KEEP) first in flash",
        )
    return next((v for v in valid if v[2] | 1 == hint | 1), valid[0])


def _words(segments: tuple[Segment, ...], address: int) -> tuple[int, int] | None:
    for segment in segments:
        if segment.address <= address and address + 8 <= segment.end:
            first, second = struct.unpack_from("<II", segment.data, address - segment.address)
            return first, second
    return None
