"""Who may run beside whom on one computer. Locks are files: a process that ends, however it ends, leaves none."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Literal, TypeAlias

from bench import provenance
from bench.errors import BenchError

Kind: TypeAlias = Literal["", "training", "timing"]


@contextmanager
def turn(kind: Kind, port: str = "") -> Iterator[None]:
    """Holds what a cell needs for itself, until the end of the block.

    port: a serial port or URL, which serves one process at a time. "timing": a clock of this computer is read; raises
    BenchError while a training runs. "training": waits for timings to end; those that come after it are refused.
    """
    with ExitStack() as held:
        if port:
            held.enter_context(_lock(f"port {port}"))
        if kind:
            with _lock("entrance"):
                held.enter_context(_time() if kind == "timing" else _train())
        yield


@contextmanager
def _time() -> Iterator[None]:
    with _lock("timing", shared=True):
        try:
            with _lock("training", wait=False):
                pass
        except BlockingIOError:
            problem = "a training runs on this computer: times that are measured beside it would be wrong"
            raise BenchError(problem, do="wait until it is done, then run the same command again") from None
        yield


@contextmanager
def _train() -> Iterator[None]:
    with ExitStack() as held:
        with _lock("timing"):
            held.enter_context(_lock("training", shared=True))
        yield


@contextmanager
def _lock(name: str, *, shared: bool = False, wait: bool = True) -> Iterator[None]:
    """Raises BlockingIOError where another process has it and wait is False."""
    import fcntl

    path = provenance.cache("locks", provenance.text_hash(platform.node(), name)[:16])
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        how = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        try:
            fcntl.flock(handle, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if not wait:
                raise
            print(f"waiting: another process on this computer has its turn ({name})", file=sys.stderr)
            fcntl.flock(handle, how)
        except OSError:  # a file system without locks
            pass
        yield
    finally:
        with suppress(OSError):
            os.close(handle)
