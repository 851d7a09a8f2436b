"""Files that are whole or not there."""

from __future__ import annotations

import os
import uuid
from pathlib import Path


def replace(path: Path, content: str | bytes) -> None:
    """Writes a file under a temporary name in its folder, then renames it: readers see the old or the new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}.partial")
    try:
        partial.write_bytes(content.encode() if isinstance(content, str) else content)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
