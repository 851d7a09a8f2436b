"""Loads hook.c."""

from __future__ import annotations

import ctypes as c
import functools
from pathlib import Path

from bench import native
from bench.boards.emulator.timing.structures import Block, State
from bench.errors import BoardError

SOURCE = Path(__file__).with_name("hook.c")


@functools.cache
def library() -> c.CDLL:
    """The compiled hooks. Raises CompileError when they do not compile, BoardError when structures differ."""
    loaded = native.library(SOURCE)
    loaded.state_size.restype = loaded.block_size.restype = c.c_uint64
    sizes, expected = (loaded.state_size(), loaded.block_size()), (c.sizeof(State), c.sizeof(Block))
    if sizes != expected:
        raise BoardError(f"{SOURCE.name}: structures differ", expected=expected, got=sizes, do="empty the cache")
    loaded.prepare.argtypes = [c.POINTER(State)]
    loaded.holds_code.argtypes = [c.POINTER(State), c.c_uint32, c.c_uint32]
    loaded.release.argtypes = [c.POINTER(State)]
    loaded.release.restype = None
    return loaded
