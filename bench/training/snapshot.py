"""A training in one small file beside its deployment: float16 weights, history, settings. Anyone can go on from it."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from bench.errors import BenchError, DataError
from bench.files import replace
from bench.training.checkpoint import Checkpoint, settings

LIMIT = 5_000_000  # bytes
LARGEST = float(np.finfo(np.float16).max)


def keep(file: Path, model: Any, checkpoint: Checkpoint, planned: int) -> None:
    """Writes the weights to `file`: those of the last epoch while epochs are left to train, else the model's own.

    A file above LIMIT is not written, nor is an older one kept; a line on stderr says so. The optimizer's state is not
    in it.
    """
    own = [variable.numpy() for variable in model.weights]
    values = checkpoint.values(checkpoint.epochs)[: len(own)] if checkpoint.epochs < planned else own
    about = {"settings": settings(checkpoint.path), "history": checkpoint.history}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, *[_half(value) for value in values], about=np.array(json.dumps(about)))
    if len(content := buffer.getvalue()) > LIMIT:
        file.unlink(missing_ok=True)  # it would be of another training
        print(f"{file.name}: not written, {len(content):,} bytes are more than {LIMIT:,}", file=sys.stderr)
        return
    replace(file, content)


def history(file: Path, path: Path) -> list[dict[str, float]]:
    """Metrics of the epochs that `file` holds; [] where there is no file. path: the training's checkpoint folder.

    Raises BenchError for the weights of a training with other settings, DataError for a damaged file.
    """
    if not file.is_file():
        return []
    _, about = _read(file)
    theirs, ours = about["settings"], settings(path)
    differ = [name for name in sorted({*theirs, *ours}) if theirs.get(name) != ours.get(name)]
    if differ:
        raise BenchError(
            f"{file} holds the weights of another training",
            expected=", ".join(f"{name}={ours.get(name)}" for name in differ),
            got=", ".join(f"{name}={theirs.get(name)}" for name in differ),
            do="choose another folder with --out, or --fresh to train anew and replace it",
        )
    return list(about["history"])


def load(file: Path, model: Any) -> None:
    """Puts the weights of `file` into the model. Raises DataError for a damaged file or another network."""
    values, _ = _read(file)
    if [value.shape for value in values] != [tuple(variable.shape) for variable in model.weights]:
        raise DataError(f"{file}: weights of another network", do="train again with --fresh")
    for variable, value in zip(model.weights, values, strict=True):
        variable.assign(value.astype(variable.dtype))


def _read(file: Path) -> tuple[list[np.ndarray], dict[str, Any]]:
    try:
        with np.load(file, allow_pickle=False) as saved:
            values = [saved[name] for name in saved.files if name != "about"]
            about = json.loads(str(saved["about"]))
        if not (isinstance(about["settings"], dict) and isinstance(about["history"], list)):
            raise ValueError("no settings or no history")
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{file}: damaged weights ({error})", do="restore it, or train again with --fresh") from None
    return values, about


def _half(value: np.ndarray) -> np.ndarray:
    return np.clip(value, -LARGEST, LARGEST).astype(np.float16) if value.dtype == np.float32 else value
