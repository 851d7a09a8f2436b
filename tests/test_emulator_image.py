"""Loading: an ELF that cannot run on the chip is refused with one clear message; RAM-only programs run."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from emulator_programs import build, machine, results

from bench.boards.emulator.image import Image
from bench.boards.emulator.stop import Reason
from bench.errors import BoardError

PROGRAM = "int main(void) { result[0] = 42; return 0; }"


def refuse(path: Path, words: str) -> None:
    with pytest.raises(BoardError, match=words):
        Image.load(path)


def changed(tmp_path: Path, offset: int, fmt: str, value: int) -> Path:
    """The program's ELF with one field overwritten."""
    data = bytearray(build(PROGRAM).read_bytes())
    struct.pack_into(fmt, data, offset, value)
    path = tmp_path / "changed.elf"
    path.write_bytes(data)
    return path


def first_header() -> int:
    """File offset of the first program header."""
    return int(struct.unpack_from("<I", build(PROGRAM).read_bytes(), 28)[0])


def test_other_processors_are_refused(tmp_path: Path) -> None:
    refuse(changed(tmp_path, 18, "<H", 62), "another processor.*EM_ARM.*EM_X86_64.*cortex-m7")
    refuse(changed(tmp_path, 16, "<H", 1), "not a linked program")


def test_files_that_are_no_elf(tmp_path: Path) -> None:
    path = tmp_path / "x.elf"
    refuse(path, "cannot read")
    refuse(tmp_path, "cannot read")
    for content in (b"", b"\x7fELF", b"hello world" * 10):
        path.write_bytes(content)
        refuse(path, "not a complete ELF")


@pytest.mark.parametrize("keep", [0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_truncated(tmp_path: Path, keep: float) -> None:
    data = build(PROGRAM).read_bytes()
    path = tmp_path / "cut.elf"
    path.write_bytes(data[: int(keep * len(data))])
    refuse(path, "not a complete ELF|truncated|no vector table|another processor|nothing to load")


def test_addresses_outside_the_map(tmp_path: Path) -> None:
    away = changed(tmp_path, first_header() + 12, "<I", 0x30000000)
    refuse(away, r"lies outside.*flash 0x08000000\.\.0x08100000.*0x30000000")
    refuse(changed(tmp_path, first_header() + 12, "<I", 0x080FFFF0), "does not fit.*bytes past the end of flash")


def test_too_much_memory_names_the_largest_variables(tmp_path: Path) -> None:
    """memsz of the segment that holds .bss, which loads nothing."""
    data = build(PROGRAM).read_bytes()
    count = struct.unpack_from("<H", data, 44)[0]
    starts = [first_header() + 32 * n for n in range(count)]
    ram = next(at for at in starts if struct.unpack_from("<I", data, at + 8)[0] >> 28 == 2)
    refuse(changed(tmp_path, ram + 20, "<I", 400 << 10), r"81,920 bytes past the end of RAM.*result \(256 bytes\)")


def test_cores_without_thumb_only_are_refused(tmp_path: Path) -> None:
    """Tag_CPU_arch_profile (7) in .ARM.attributes: M becomes A."""
    data = build(PROGRAM, attributes=True).read_bytes()
    at = data.index(b"\x07M", data.index(b"aeabi"))
    path = tmp_path / "a.elf"
    path.write_bytes(data[: at + 1] + b"A" + data[at + 2 :])
    refuse(path, "another processor.*Cortex-M.*Cortex-A")


def test_no_vector_table() -> None:
    refuse(build(PROGRAM, "-DVECTORS=0, 0"), "no vector table")


@pytest.mark.parametrize("home", ["DTCM", "SRAM", "ITCM"])
def test_programs_linked_to_ram_run(home: str) -> None:
    board = machine(build(PROGRAM, home=home))
    assert board.run(100_000).reason is Reason.BKPT
    assert results(board, 1) == [42]


def test_symbols_name_addresses() -> None:
    symbols = Image.load(build(PROGRAM)).symbols
    main = symbols.addresses["main"] & ~1
    assert symbols.at(main) == "main"
    assert symbols.describe(main + 2) == "main+0x2"
    assert symbols.describe(0x08090000) == "no symbol"
