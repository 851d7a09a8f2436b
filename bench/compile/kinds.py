"""The built-in device stages but `net` and `code`: what each reads and writes, its C call and its Python twin. Both
agree bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bench.compile.parameters import number, numbers, one_output, only
from bench.errors import CompileError
from bench.method import Part, Stage, StageKind, Tensor

Q15 = 1 << 15


class SplitKind(StageKind):
    """channels: how many leading channels of the (H, W, C) map go to the local network."""

    op = "split"
    keys = frozenset({"channels"})

    def outputs(self, stage: Stage, inputs: Mapping[str, Tensor], folder: Path) -> dict[str, Tensor]:
        t = only(stage, inputs, "int8", 3)
        keep = number(stage, "channels", 1, t.shape[2])
        return one_output(stage, Tensor((*t.shape[:2], keep), "int8", t.scale, t.zero))

    def call(self, stage: Stage, tensors: Mapping[str, Tensor]) -> str:
        if not stage.writes:
            return "STAGE_NEXT"  # bench/compile/views.py
        (h, w, c), name = tensors[stage.reads[0]].shape, stage.reads[0]
        return f"stage_split(buf_{name}, {h * w}, {c}, {stage.params['channels']}, buf_{stage.writes[0]})"

    def run(self, stage: Stage, values: dict[str, np.ndarray], folder: Path) -> None:
        keep = number(stage, "channels", 1, values[stage.reads[0]].shape[-1])
        values[stage.writes[0]] = np.ascontiguousarray(values[stage.reads[0]][..., :keep])


class QuantizeKind(StageKind):
    """first: the first channel to send; table: symbol of feature byte q at table[q + 128]. Writes (C - first, H, W)
    uint8.
    """

    op = "quantize"
    part: Part = "compress"
    keys = frozenset({"first", "table"})

    def outputs(self, stage: Stage, inputs: Mapping[str, Tensor], folder: Path) -> dict[str, Tensor]:
        h, w, c = only(stage, inputs, "int8", 3).shape
        numbers(stage, "table", 256, 0, 255)
        return one_output(stage, Tensor((c - number(stage, "first", 0, c - 1), h, w), "uint8"))

    def call(self, stage: Stage, tensors: Mapping[str, Tensor]) -> str:
        (h, w, c), name = tensors[stage.reads[0]].shape, stage.reads[0]
        table = "".join(f"\\{v:03o}" for v in numbers(stage, "table", 256, 0, 255))
        first = stage.params["first"]
        return f'stage_quantize(buf_{name}, {h * w}, {c}, {first}, (const uint8_t *)"{table}", buf_{stage.writes[0]})'

    def run(self, stage: Stage, values: dict[str, np.ndarray], folder: Path) -> None:
        table = np.array(stage.params["table"], np.uint8)
        features = values[stage.reads[0]]
        rest = features[..., number(stage, "first", 0, features.shape[-1] - 1) :]
        values[stage.writes[0]] = table[np.moveaxis(rest, -1, -3).astype(np.int16) + 128]


class SendKind(StageKind):
    """Hands the payload over. The time on air is the link's, not the processor's."""

    op = "send"
    part: Part = "network"

    def outputs(self, stage: Stage, inputs: Mapping[str, Tensor], folder: Path) -> dict[str, Tensor]:
        only(stage, inputs, "uint8", 1)
        return {}

    def call(self, stage: Stage, tensors: Mapping[str, Tensor]) -> str:
        return "STAGE_NEXT"

    def run(self, stage: Stage, values: dict[str, np.ndarray], folder: Path) -> None:
        """Nothing: `simulate` plays the network."""


class ReceiveKind(StageKind):
    """Waits for the server's logits: int16, one per class."""

    op = "receive"
    part: Part = "network"

    def __init__(self, classes: int) -> None:
        self.classes = classes

    def outputs(self, stage: Stage, inputs: Mapping[str, Tensor], folder: Path) -> dict[str, Tensor]:
        return one_output(stage, Tensor((self.classes,), "int16"))

    def call(self, stage: Stage, tensors: Mapping[str, Tensor]) -> str:
        return f"(reply_filled == {2 * self.classes} ? STAGE_NEXT : STAGE_WAIT)"

    def run(self, stage: Stage, values: dict[str, np.ndarray], folder: Path) -> None:
        """Nothing: `simulate` plays the network."""


class ExitIfKind(StageKind):
    """threshold: the program ends here, with the int8 probabilities as scores, when the highest one reaches it."""

    op = "exit_if"
    keys = frozenset({"threshold"})

    def outputs(self, stage: Stage, inputs: Mapping[str, Tensor], folder: Path) -> dict[str, Tensor]:
        number(stage, "threshold", -128, 128)
        return one_output(stage, Tensor((only(stage, inputs, "int8", 1).count,), "int32"))

    def call(self, stage: Stage, tensors: Mapping[str, Tensor]) -> str:
        source, target = stage.reads[0], stage.writes[0]
        return f"stage_exit_if(buf_{source}, {tensors[source].count}, {stage.params['threshold']}, buf_{target})"

    def run(self, stage: Stage, values: dict[str, np.ndarray], folder: Path) -> None:
        if int(values[stage.reads[0]].max()) >= number(stage, "threshold", -128, 128):
            values[stage.writes[0]] = values[stage.reads[0]].astype(np.int32)


class CombineKind(StageKind):
    """scores = sum of weights[i] * ((x_i - zeros[i]) << shifts[i]); weights in Q15 that sum to one, shifted values in
    16 bits.
    """

    op = "combine"
    keys = frozenset({"weights", "shifts", "zeros"})

    def outputs(self, stage: Stage, inputs: Mapping[str, Tensor], folder: Path) -> dict[str, Tensor]:
        count = len(stage.reads)
        weights, shifts = numbers(stage, "weights", count, 0, Q15), numbers(stage, "shifts", count, 0, 15)
        zeros = numbers(stage, "zeros", count, -128, 127)
        if count == 0 or sum(weights) != Q15:
            raise CompileError("stage combine: weights", expected=f"a sum of {Q15}", got=sum(weights))
        for name, shift, zero in zip(stage.reads, shifts, zeros, strict=True):
            tensor = inputs[name]
            if tensor.dtype not in ("int8", "int16") or tensor.count != inputs[stage.reads[0]].count:
                raise CompileError(
                    f"stage combine: buffer {name}", expected="int8 or int16, one value per class", got=tensor
                )
            limit = np.iinfo(tensor.dtype)
            if max(limit.max - zero, zero - limit.min) << shift > Q15:
                raise CompileError(f"stage combine: buffer {name} overflows 16 bits", got=f"shift {shift}, zero {zero}")
        return one_output(stage, Tensor((inputs[stage.reads[0]].count,), "int32"))

    def call(self, stage: Stage, tensors: Mapping[str, Tensor]) -> str:
        params = [numbers(stage, key, len(stage.reads), -Q15, Q15) for key in ("weights", "zeros", "shifts")]
        rows = ", ".join(
            f"{{buf_{name}, {1 if tensors[name].dtype == 'int8' else 2}, {weight}, {zero}, {shift}}}"
            for name, weight, zero, shift in zip(stage.reads, *params, strict=True)
        )
        classes, scores = tensors[stage.reads[0]].count, stage.writes[0]
        return f"stage_combine((const struct operand[]){{{rows}}}, {len(stage.reads)}, {classes}, buf_{scores})"

    def run(self, stage: Stage, values: dict[str, np.ndarray], folder: Path) -> None:
        params = [numbers(stage, key, len(stage.reads), -Q15, Q15) for key in ("weights", "zeros", "shifts")]
        scores = np.zeros(values[stage.reads[0]].shape, np.int32)
        for name, weight, zero, shift in zip(stage.reads, *params, strict=True):
            scores += weight * ((values[name].astype(np.int32) - zero) << shift)
        values[stage.writes[0]] = scores
