"""The little language in which data.h is told how to find addresses."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

ZERO = 15


class Op(IntEnum):
    """What a step does; the numbers are those of data.h. Arithmetic: `to` = `a` op (`b` shifted + value)."""

    SUM = 0
    DIFFERENCE = 1
    AND = 2
    OR = 3
    XOR = 4
    CLEAR = 5
    PRODUCT = 6
    LEFT = 7
    RIGHT = 8
    SIGNED_RIGHT = 9
    EXTRACT = 10  # `size` bits from bit `value` on, as of a rotated word
    SIGNED_EXTRACT = 11
    TEST = 12  # 1 if `a` and the second operand compare as `size` says (addresses.CONDITIONS), else 0
    CHOOSE = 13  # `a` if slot `amount` is not 0, else `b`
    PEEK = 14  # `size` bytes of memory at `a` + value
    SIGNED_PEEK = 15
    POKE = 16  # `to` is in memory there, for later peeks of the same block
    HIDE = 17  # something unknown is in memory there


PEEKS = (Op.PEEK, Op.SIGNED_PEEK)


@dataclass(frozen=True)
class Step:
    """One step, in the order of structures.Step: slots to, a, b; shift: capstone's kind, by `amount`."""

    op: Op
    to: int = 0
    a: int = ZERO
    b: int = ZERO
    shift: int = 0
    amount: int = 0
    size: int = 0
    value: int = 0


@dataclass
class Access:
    """`count` reads or writes of up to a word, `low` to `high` bytes from a slot's address, at most a line apart."""

    slot: int
    low: int
    high: int
    write: bool
    align: int
    offset: int
    count: int
