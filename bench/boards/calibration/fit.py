"""Cycles of the micro-benchmarks in program.c -> penalties, each a difference of two of them per event."""

from __future__ import annotations

from typing import NamedTuple

from bench.errors import BoardError

LINES, CLEAN_LINES, ACCESSES, BRANCHES, LINES_OF_CODE = 1024, 32 * 16, 1024, 4096, 64
CHUNKS_IN_LINE = 4  # the processor fetches 8 bytes at once


class Cycles(NamedTuple):
    """What program.c measured, in its order. lines: accesses a line apart; lines_read, lines_written,
    clean_lines_written, the words and the known branches are what the others are held against.
    """

    lines_read: int
    lines_written: int
    flash_lines: int
    art_lines: int
    sram_lines: int
    sram_lines_written: int
    clean_lines_written: int
    sram_clean_lines_written: int
    word_read: int
    unaligned_word_read: int
    word_written: int
    word_written_and_read: int
    branches_known: int
    branches_random: int
    code: int
    uncached_flash_read: int
    uncached_sram_read: int
    uncached_write: int
    uncached_code: int


def penalties(m: Cycles) -> dict[str, dict[str, int]]:
    """Sections of a calibration file with what was measured. Raises BoardError for cycles that make no sense."""
    flash = (m.flash_lines - m.lines_read) / LINES
    store = (m.sram_clean_lines_written - m.clean_lines_written) / CLEAN_LINES
    line_of_code = (m.uncached_code - m.code) / LINES_OF_CODE
    found = {
        "core": {"store_to_load": m.word_written_and_read / ACCESSES},
        "branch": {"mispredict": (m.branches_random - m.branches_known) / (BRANCHES / 2)},  # half go the other way
        "memory": {
            "flash_line_at_7_wait_states": flash,
            "art_line_at_7_wait_states": (m.art_lines - m.lines_read) / LINES,
            "sram_line": (m.sram_lines - m.lines_read) / LINES,
            "store_line": store,
            "write_back": max(0.0, (m.sram_lines_written - m.lines_written) / LINES - store),
            "uncached_fetch": max(0.0, (line_of_code - flash) / CHUNKS_IN_LINE),
            "uncached_flash_read": (m.uncached_flash_read - m.word_read) / ACCESSES,
            "uncached_sram_read": (m.uncached_sram_read - m.word_read) / ACCESSES,
            "uncached_write": (m.uncached_write - m.word_written) / ACCESSES,
            "unaligned_load": (m.unaligned_word_read - m.word_read) / ACCESSES,
        },
    }
    wrong = [name for section in found.values() for name, value in section.items() if not -0.5 <= value < 1000]
    if wrong:
        raise BoardError(
            f"measured {wrong[0]} makes no sense",
            expected="0 to 1000 cycles",
            got=m._asdict(),
            do="look with board check, then measure again",
        )
    return {part: {name: round(value) for name, value in values.items()} for part, values in found.items()}
