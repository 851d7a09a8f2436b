"""Builds hook.c with ziglang, once per content, and loads it."""

from __future__ import annotations

import ctypes as c
import functools
import os
import subprocess
import sys
from pathlib import Path

from bench import provenance
from bench.boards.emulator.timing.structures import Block, State
from bench.errors import BoardError

SOURCE = Path(__file__).with_name("hook.c")
FLAGS = ("-O2", "-std=c11", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror")


@functools.cache
def library() -> c.CDLL:
    """The compiled hooks. Raises BoardError when the compiler fails or its structures differ from ours."""
    name = provenance.text_hash(SOURCE.read_bytes(), *FLAGS, provenance.versions().get("ziglang", ""), sys.platform)[
        :16
    ]
    target = provenance.cache("builds") / f"timing-{name}.so"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
        command = [sys.executable, "-m", "ziglang", "cc", *FLAGS, str(SOURCE), "-o", str(partial)]
        result = subprocess.run(command, capture_output=True, text=True)
        if result.returncode:
            raise BoardError(
                f"the timing hook does not compile: {result.stderr.strip()[-600:]}", do="run ./reproduce.sh doctor"
            )
        os.replace(partial, target)
    loaded = c.CDLL(str(target))
    loaded.state_size.restype = loaded.block_size.restype = c.c_uint64
    sizes, expected = (loaded.state_size(), loaded.block_size()), (c.sizeof(State), c.sizeof(Block))
    if sizes != expected:
        raise BoardError(f"{target}: structures differ", expected=expected, got=sizes, do="delete the file")
    loaded.prepare.argtypes = [c.POINTER(State), c.POINTER(c.c_uint8)]
    loaded.code_written.argtypes = [c.POINTER(State), c.c_uint32, c.c_uint32]
    loaded.release.argtypes = [c.POINTER(State)]
    loaded.release.restype = None
    return loaded
