"""One tree of errors that a user can act on: each carries what was expected, what came, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


class BenchError(Exception):
    """A mistake or a fault outside this program. The command line prints it as one line and exits with code 2.

    problem: what is wrong and where; expected / got: the two values that differ; do: the next step for the user.
    """

    def __init__(self, problem: str, *, expected: object = None, got: object = None, do: str = "") -> None:
        super().__init__(problem)
        self.problem, self.expected, self.got, self.do = problem, expected, got, do

    def __reduce__(self) -> Any:
        """So that it comes back whole from another process."""
        return _again, (type(self), self.args, self.__dict__)

    def __str__(self) -> str:
        parts = [self.problem.rstrip(".")]
        if self.expected is not None:
            parts.append(f"expected {self.expected}")
        if self.got is not None:
            parts.append(f"got {self.got}")
        if self.do:
            parts.append(self.do)
        return "; ".join(parts)


def _again(kind: type[BenchError], arguments: tuple[Any, ...], fields: Mapping[str, Any]) -> BenchError:
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(fields)
    return error


class DataError(BenchError):
    """An image file, a model file or a record that is missing, damaged or of the wrong shape."""


class UnknownName(BenchError):
    """A data set, method, board, figure or unit that no registry knows."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        super().__init__(f"unknown {kind} {name!r}", expected=f"one of {', '.join(sorted(known))}")


class BoardError(BenchError):
    """The board, its port or its firmware did not do what was asked."""


class MonitorError(BenchError):
    """A power monitor, or what it measured, cannot be trusted."""


class ServerError(BenchError):
    """The remote side did not answer, or answered with something that is not a reply."""


class CompileError(BenchError):
    """A network or a program that cannot become firmware."""
