"""Where a number comes from: user cache, content hashes, versions, and the stamp that ties a result to its inputs."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from bench.errors import DataError
from bench.files import existing
from bench.method import Deployment

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ("bench", "agilenn", "baselines", "requirements.lock")  # what can change a number; records cannot
PACKAGES = (
    "ai-edge-litert", "capstone", "numpy", "pillow", "pyserial", "scikit-learn", "scipy",
    "tensorflow", "tensorflow-cpu", "unicorn", "ziglang",
)  # fmt: skip


def cache(*parts: str) -> Path:
    """The user's cache folder (or $AGILENN_CACHE), or the folder `parts` inside it; not created here.

    Raises DataError where $AGILENN_CACHE cannot be one.
    """
    chosen = os.environ.get("AGILENN_CACHE")
    if chosen:
        folder = Path(os.path.expanduser(chosen)).absolute()  # unlike Path's, leaves an unknown ~user alone
        if not (there := existing(folder)).is_dir():
            raise DataError(f"$AGILENN_CACHE {chosen!r}: {there} is not a folder", expected="a folder")
        return folder.joinpath(*parts)
    import platformdirs

    return platformdirs.user_cache_path("agilenn-bench").joinpath(*parts)


@functools.cache
def versions() -> dict[str, str]:
    """Python, platform and the packages that can change a number; imports none of them."""
    found = {"python": platform.python_version(), "platform": f"{platform.system()} {platform.machine()}"}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def cores() -> int:
    """Processor cores that this process may use: they decide in which order a training sums."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def text_hash(*parts: str | bytes) -> str:
    """SHA-256 of the parts, in hex; each part's length is hashed too, so ("ab", "c") differs from ("a", "bc")."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little") + data)
    return digest.hexdigest()


def deployment_hash(deployment: Deployment) -> str:
    """Names what a deployment does: its stages, its server and its model files, wherever the folder lies."""
    names = ("deployment.json", *sorted(set(deployment.files())))
    return text_hash(*(part for name in names for part in (name, (deployment.folder / name).read_bytes())))


@functools.cache
def git_commit() -> str | None:
    """The commit of this tree, with "-dirty" if SOURCES differ from it; None without git or outside a clone."""
    if not (ROOT / ".git").exists():
        return None
    try:
        commit = _git("rev-parse", "--short=12", "HEAD")
        return commit + "-dirty" * bool(_git("status", "--porcelain", "--", *SOURCES))
    except (OSError, subprocess.SubprocessError):
        return None


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    result = subprocess.run(command, capture_output=True, text=True, timeout=10, stdin=subprocess.DEVNULL, check=True)
    return result.stdout.strip()


def stamp(command: str | Sequence[str], seed: int | None, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Plain JSON that says how a result was made. inputs: name -> hash, path or setting.

    `id` is the first 12 hex digits of the SHA-256 of the rest, so equal content has the equal id on every machine.
    """
    content = {
        "command": command if isinstance(command, str) else " ".join(command),
        "seed": seed,
        "inputs": dict(inputs),
        "versions": versions(),
        "commit": git_commit(),
    }
    text = json.dumps(content, sort_keys=True, default=str)
    return {"id": text_hash(text)[:12], **json.loads(text)}
