"""The coders' C twins from the firmware's sources, compiled for this computer."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

import bench
from bench.codec.tables import Tables
from bench.compile.code_stage import events, offsets
from bench.compile.image_tables import jpeg_entries, lossless_entries

STAGES = Path(bench.__file__).parent / "firmware" / "stages"
FLAGS = ("-O2", "-shared", "-fPIC", "-fsanitize=undefined", "-fsanitize-trap=undefined", "-Wall", "-Wextra", "-Werror")
SPARE = 8  # bytes behind the payload that must stay as they are


class Event(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint32) for name in ("limit", "reciprocal", "bias")] + [
        (name, ctypes.c_uint16) for name in ("others", "shift")
    ]


class CodeTables(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_uint32) for name in ("bits", "event_count")),
        ("events", ctypes.POINTER(Event)),
        ("context", ctypes.POINTER(ctypes.c_uint16)),
    ]


def jpeg_struct(tables: list[int]) -> bytes:
    """struct jpeg_tables of bench/firmware/stages/stage.h."""
    steps, dc, ac = jpeg_entries(tables)
    packed = np.zeros(steps.shape[:2], [("reciprocal", "<u4"), ("half", "<u2"), ("place", "<u2")])
    for i, name in enumerate(packed.dtype.names):
        packed[name] = steps[..., i]
    return packed.tobytes() + dc.astype("<u4").tobytes() + ac.astype("<u4").tobytes()


IMAGES: dict[str, Callable[[list[int]], bytes]] = {
    "lossless": lambda tables: np.array(lossless_entries(tables), "<u4").tobytes(),
    "jpeg": jpeg_struct,
}


class Twins:
    """encode(name, symbols, bits, room, tables) -> bytes; fails if C writes behind `room` bytes (4 to spare)."""

    def __init__(self, folder: Path) -> None:
        (folder / "scratch.c").write_text('#include "stage.h"\nuint32_t scratch[SCRATCH_BYTES / 4];\n')
        sources = [
            str(STAGES / f"{name}.c") for name in ("lz4", "lzw", "lzw_tree", "packed", "context", "lossless", "jpeg")
        ]
        command = [sys.executable, "-m", "ziglang", "cc", *FLAGS, f"-I{STAGES}", *sources, "scratch.c", "-o", "twin.so"]
        subprocess.run(command, check=True, cwd=folder)
        self._library = ctypes.CDLL(str(folder / "twin.so"))

    def encode(self, name: str, symbols: np.ndarray, bits: int, room: int, tables: list[int] | None = None) -> bytes:
        symbols = np.ascontiguousarray(symbols, np.uint8)
        if name in IMAGES:
            return self._run(name, symbols, room, *symbols.shape, IMAGES[name](tables or []))
        if tables:
            read = Tables.read(tables)
            entries = [Event(*fields) for fields in events(read)]
            rows, context = (Event * len(entries))(*entries), offsets(read)
            packed = CodeTables(bits, len(entries), rows, (ctypes.c_uint16 * len(context))(*context))
            return self._run(name, symbols, room, *symbols.shape, ctypes.byref(packed))
        return self._run(name, symbols, room, symbols.size, bits)

    def tree(self, symbols: np.ndarray, bits: int) -> int:
        """Bytes that LZW's tree finds; 0 where it runs out of memory."""
        payload = ctypes.create_string_buffer(2 * symbols.size + 8)
        return self._library.lzw_tree(symbols.ctypes.data_as(ctypes.c_void_p), symbols.size, bits, payload)

    def _run(self, name: str, symbols: np.ndarray, room: int, *middle: object) -> bytes:
        stage: Callable[..., int] = getattr(self._library, f"stage_code_{name}")
        payload = ctypes.create_string_buffer(b"\xa5" * (room + 4 + SPARE), room + 4 + SPARE)
        length = ctypes.c_uint32(0xFFFFFFFF)
        stage(symbols.ctypes.data_as(ctypes.c_void_p), *middle, payload, ctypes.byref(length))
        assert payload.raw[room + 4 :] == b"\xa5" * SPARE, "wrote past the largest payload"
        assert length.value <= room
        return payload.raw[: length.value]
