"""The `code` stage: symbols -> payload, by a coder of bench.codec and its C twin."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from bench.codec import Coder, coder
from bench.codec.tables import TOTAL, TOTAL_BITS, Tables
from bench.compile.image_tables import jpeg_c, lossless_c
from bench.compile.parameters import number, numbers, one_output, only
from bench.method import Part, Stage, StageKind, Tensor


class CodeKind(StageKind):
    """coder: a name in bench.codec; bits: per symbol; tables: of a coder that has some. Writes the payload."""

    op = "code"
    part: Part = "compress"
    keys = frozenset({"coder", "bits"})
    optional = frozenset({"tables"})

    def outputs(self, stage: Stage, inputs: Mapping[str, Tensor], folder: Path) -> dict[str, Tensor]:
        symbols = only(stage, inputs, "uint8", 0)
        room = chosen(stage).max_bytes(symbols.shape, number(stage, "bits", 1, 8))
        return one_output(stage, Tensor((room + 4,), "uint8"))  # the C twins store whole words

    def call(self, stage: Stage, tensors: Mapping[str, Tensor]) -> str:
        source, payload, name = stage.reads[0], stage.writes[0], stage.params["coder"]
        out = f"buf_{payload}, &len_{payload})"
        if isinstance(integers := stage.params.get("tables"), list):
            shape = ", ".join(map(str, tensors[source].shape))
            return f"({{ {TABLES[str(name)](integers)} stage_code_{name}(buf_{source}, {shape}, tables, {out}; }})"
        return f"stage_code_{name}(buf_{source}, {tensors[source].count}, {stage.params['bits']}, {out}"

    def run(self, stage: Stage, values: dict[str, np.ndarray], folder: Path) -> None:
        data = chosen(stage).encode(values[stage.reads[0]], number(stage, "bits", 1, 8))
        values[stage.writes[0]] = np.frombuffer(data, np.uint8)


def chosen(stage: Stage) -> Coder:
    """Raises UnknownName, CompileError for tables that are no list of integers, DataError for those that do not fit."""
    tables = stage.params.get("tables", [])
    count = len(tables) if isinstance(tables, list) else 0
    return coder(str(stage.params["coder"]), numbers(stage, "tables", count, 0, TOTAL - 1) if tables else [])


def events(tables: Tables) -> list[tuple[int, ...]]:
    """The fields of each struct code_event, in the order that bench/firmware/stages/stage.h gives."""
    spans = [(int(end - size), int(size)) for row in tables.rows for end, size in zip(np.cumsum(row), row, strict=True)]
    for quiet in tables.quiet.tolist():
        spans += [(0, quiet), (quiet, TOTAL - quiet)]
    return [event(start, size) for start, size in spans]


def context_c(integers: Sequence[int]) -> str:
    """C definitions; the last one is `tables`, a struct code_tables."""
    tables = Tables.read(integers)
    rows = ", ".join(f"{{{', '.join(f'{v}u' for v in fields)}}}" for fields in events(tables))
    context = ", ".join(map(str, offsets(tables)))
    return (
        f"static const struct code_event events[] = {{{rows}}}; static const uint16_t context[] = {{{context}}}; "
        f"static const struct code_tables tables[] = "
        f"{{{{{tables.bits}, sizeof events / sizeof *events, events, context}}}};"
    )


def offsets(tables: Tables) -> list[int]:
    """The first event of each context's row."""
    return [row << tables.bits for row in tables.context.reshape(-1).tolist()]


def event(start: int, size: int) -> tuple[int, ...]:
    """limit, reciprocal, bias, others, shift of x -> x + bias + (x * reciprocal >> 32 >> shift) * others.

    The quotient is x / size for every x < 2^31 when reciprocal = 2^(31 + n) / size, rounded up, n = log2(size) rounded
    up, shift = n - 1 (Granlund and Montgomery 1994, theorem 4.2). For size 1 that reciprocal has 33 bits: 2^32 - 1
    gives x - 1 instead, and bias makes up for it.
    """
    limit, others = size << 31 - TOTAL_BITS, TOTAL - size
    if size == 1:
        return limit, (1 << 32) - 1, start + others, others, 0
    n = (size - 1).bit_length()
    return limit, -(-(1 << 31 + n) // size), start, others, n - 1


TABLES: dict[str, Callable[[Sequence[int]], str]] = {"context": context_c, "jpeg": jpeg_c, "lossless": lossless_c}
