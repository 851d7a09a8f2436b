"""What deployments of offloading methods share: coder, the stages around the link, the scale of the server's logits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bench.codec import train_tables
from bench.method import Stage, Value

CODERS = {"paper": "lzw", "strong": "context"}  # of few-bit symbols, by protocol: AgileNN's, and the device's best


def tables_for(coder: str, symbols: np.ndarray, bits: int) -> list[int]:
    """Tables of the context coder from symbols (N, H, W, C) of calibration images; [] for a coder without."""
    return train_tables(symbols, 1 << bits) if coder == "context" else []


def exchange(source: str, coder: str, bits: int, tables: Sequence[int] = ()) -> tuple[Stage, ...]:
    """Codes the buffer `source`, sends it, and waits for the server's logits in the buffer "remote"."""
    code: dict[str, Value] = {"coder": coder, "bits": bits}
    if tables:
        code["tables"] = list(tables)
    return Stage("code", (source,), ("payload",), code), Stage("send", ("payload",)), Stage("receive", (), ("remote",))


def as_they_are(logits: str, zero: int = 0) -> Stage:
    """The last stage where one network decides alone: its logits are the scores."""
    return Stage("combine", (logits,), ("scores",), {"weights": [1 << 15], "shifts": [0], "zeros": [zero]})


def logit_scale(largest: float) -> float:
    """Logit per integer step that leaves a factor of 2 above the largest logit of the calibration images in int16."""
    return 2 * largest / 32767
