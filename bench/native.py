"""C for this computer: built by the compiler from the ziglang wheel, once per content, and loaded."""

from __future__ import annotations

import ctypes
import functools
import subprocess
import sys
from pathlib import Path

from bench import provenance
from bench.errors import CompileError
from bench.files import partial

FLAGS = ("-mcpu=baseline", "-O2", "-std=c11", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror")


@functools.cache
def library(source: Path) -> ctypes.CDLL:
    """The compiled file, with the headers beside it. Raises CompileError when the compiler fails."""
    version = provenance.versions().get("ziglang", "")
    headers = [header.read_bytes() for header in sorted(source.parent.glob("*.h"))]
    key = provenance.text_hash(source.read_bytes(), *headers, *FLAGS, version, sys.platform)[:16]
    target = provenance.cache("builds") / f"{source.stem}-{key}.so"
    if not target.exists():
        with partial(target) as temporary:
            command = [sys.executable, "-m", "ziglang", "cc", *FLAGS, str(source), "-o", str(temporary)]
            result = subprocess.run(command, capture_output=True, text=True)
            if result.returncode:
                message = result.stderr.strip()[-600:]
                raise CompileError(f"{source.name} does not compile: {message}", do="run ./reproduce.sh doctor")
    return ctypes.CDLL(str(target))
