"""The last device stage of SPINN: the server's logits or, where none came, the best exit so far."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bench.errors import CompileError
from bench.method import NO_REPLY, Stage, StageKind, Tensor


class BestSoFarKind(StageKind):
    """Reads the server's int16 logits, then the int8 probabilities of every exit that was passed; writes the scores.

    Without an answer the exit with the highest probability decides, the later one of equals.
    """

    op = "best_so_far"
    sources = (Path(__file__).with_name("best_so_far.c"),)

    def outputs(self, stage: Stage, inputs: Mapping[str, Tensor], folder: Path) -> dict[str, Tensor]:
        """Raises CompileError unless it reads one int16 and at least one int8 buffer, a value per class in each."""
        given = [inputs[name] for name in stage.reads]
        types = ["int16"] + ["int8"] * max(1, len(given) - 1)
        if [t.dtype for t in given] != types or len({t.count for t in given}) != 1 or len(stage.writes) != 1:
            expected = "int16 logits, then int8 probabilities of the same length; one buffer to write"
            raise CompileError("stage best_so_far: buffers", expected=expected, got=", ".join(stage.reads))
        return {stage.writes[0]: Tensor((given[0].count,), "int32")}

    def call(self, stage: Stage, tensors: Mapping[str, Tensor]) -> str:
        remote, *exits = (f"buf_{name}" for name in stage.reads)
        listed = f"(const int8_t *const[]){{{', '.join(exits)}}}, {len(exits)}"
        return f"stage_best_so_far({remote}, {listed}, {tensors[stage.reads[0]].count}, buf_{stage.writes[0]})"

    def run(self, stage: Stage, values: dict[str, np.ndarray], folder: Path) -> None:
        remote, *exits = (values[name].reshape(-1).astype(np.int32) for name in stage.reads)
        best = max(reversed(exits), key=lambda chances: int(chances.max()))  # the first of equals
        values[stage.writes[0]] = best if remote[0] == NO_REPLY else remote
