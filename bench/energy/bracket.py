"""A quantity of which only bounds are sure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

BOUNDS = ("low", "typical", "high")


@dataclass(frozen=True)
class Bracket:
    """low <= typical <= high, all in one unit."""

    low: float
    typical: float
    high: float

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.typical <= self.high:
            raise ValueError(f"{self} is no bracket")

    def __add__(self, other: Bracket) -> Bracket:
        return Bracket(self.low + other.low, self.typical + other.typical, self.high + other.high)

    def __mul__(self, other: Bracket) -> Bracket:
        """Bound by bound: the low ones belong together, and so on."""
        return Bracket(self.low * other.low, self.typical * other.typical, self.high * other.high)

    def scaled(self, factor: float) -> Bracket:
        return Bracket(self.low * factor, self.typical * factor, self.high * factor)


def exactly(value: float) -> Bracket:
    return Bracket(value, value, value)


def total(parts: Iterable[Bracket]) -> Bracket:
    return sum(parts, exactly(0.0))
