"""Files that are whole or not there, and their hashes."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def partial(path: Path) -> Iterator[Path]:
    """A temporary name in the file's folder, renamed to `path` at the end: readers see the old or the new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{uuid.uuid4().hex}{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def replace(path: Path, content: str | bytes) -> None:
    """Writes a file, whole."""
    with partial(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


def existing(path: Path) -> Path:
    """What is there of a path: itself, or the nearest above it."""
    return next(part for part in (path.absolute(), *path.absolute().parents) if os.path.lexists(part))


def no_folder(path: Path) -> str:
    """Why there can be no folder at `path` in which files can be written; "" if there can."""
    there = existing(path)
    if not there.is_dir():
        return f"{there} is not a folder"
    return "" if os.access(there, os.W_OK | os.X_OK) else f"{there} cannot be written in"


def sha256(path: Path) -> str:
    """Of a file's content, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
