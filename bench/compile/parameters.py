"""Checks of stage parameters, with messages that name the stage, what was expected and what came."""

from __future__ import annotations

from collections.abc import Mapping

from bench.errors import CompileError
from bench.method import Stage, Tensor


def numbers(stage: Stage, key: str, count: int, low: int, high: int) -> list[int]:
    """The list parameter `key`. Raises CompileError unless it holds `count` integers from low to high."""
    value = stage.params[key]
    ok = isinstance(value, list) and len(value) == count and all(type(v) is int and low <= v <= high for v in value)
    if not ok:
        got = f"{len(value)} items" if isinstance(value, list) else repr(value)
        raise CompileError(f"stage {stage.op}: {key}", expected=f"{count} integers from {low} to {high}", got=got)
    return list(value) if isinstance(value, list) else []


def number(stage: Stage, key: str, low: int, high: int) -> int:
    """The integer parameter `key`. Raises CompileError unless it lies from low to high."""
    value = stage.params[key]
    if type(value) is not int or not low <= value <= high:
        raise CompileError(f"stage {stage.op}: {key}", expected=f"an integer from {low} to {high}", got=value)
    return value


def only(stage: Stage, tensors: Mapping[str, Tensor], dtype: str, dims: int) -> Tensor:
    """The one tensor that the stage reads. Raises CompileError unless it has this type and number of dimensions (0:
    any).
    """
    if len(stage.reads) != 1:
        raise CompileError(f"stage {stage.op}", expected="one buffer to read", got=list(stage.reads))
    tensor = tensors[stage.reads[0]]
    if tensor.dtype != dtype or (dims and len(tensor.shape) != dims):
        wanted = f"{dtype} in {dims} dimensions" if dims else dtype
        got = f"{tensor.dtype} {list(tensor.shape)}"
        raise CompileError(f"stage {stage.op}: buffer {stage.reads[0]}", expected=wanted, got=got)
    return tensor


def one_output(stage: Stage, tensor: Tensor) -> dict[str, Tensor]:
    if len(stage.writes) != 1:
        raise CompileError(f"stage {stage.op}", expected="one buffer to write", got=list(stage.writes))
    return {stage.writes[0]: tensor}
