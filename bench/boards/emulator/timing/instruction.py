"""What the scoreboard needs to know about one instruction."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum

Registers = frozenset[int]
NONE: Registers = frozenset()


class Kind(StrEnum):
    """The unit that an instruction occupies."""

    ALU = "alu"
    MAC = "mac"
    DIVIDE = "divide"
    LOAD = "load"
    LOAD_TWO = "load two"
    LOAD_MANY = "load many"
    STORE = "store"
    STORE_MANY = "store many"
    BRANCH = "branch"
    FLOAT = "float"
    IF_THEN = "it"
    NOP = "nop"
    SYSTEM = "system"

    @property
    def loads(self) -> bool:
        return self in (Kind.LOAD, Kind.LOAD_TWO, Kind.LOAD_MANY)

    @property
    def stores(self) -> bool:
        return self in (Kind.STORE, Kind.STORE_MANY)


class Branch(IntEnum):
    """How a block ends; the numbers are those of hook.c."""

    NONE = 0
    CONDITIONAL = 1
    DIRECT = 2
    INDIRECT = 3  # also a conditional return


@dataclass(frozen=True, slots=True)
class Place:
    """A memory operand: register numbers (index 0: none), displacement in bytes, left shift of the index."""

    base: int
    index: int = 0
    offset: int = 0
    shift: int = 0


@dataclass(frozen=True, slots=True)
class Instruction:
    """One decoded instruction. Registers by the time at which they are needed or written:

    early: before the first ALU stage (addresses, shifted operands); late: at the ALU; beside_early: at the ALU of an
    instruction that needs others early, where a word just loaded arrives a cycle later; multiplied, accumulated: at
    both ends of the MAC unit; stored: at the store buffer; writes: results; updates: base registers with write-back.
    """

    address: int
    size: int
    mnemonic: str
    kind: Kind
    early: Registers = NONE
    late: Registers = NONE
    beside_early: Registers = NONE
    multiplied: Registers = NONE
    accumulated: Registers = NONE
    stored: Registers = NONE
    writes: Registers = NONE
    updates: Registers = NONE
    reads_flags: bool = False
    sets_flags: bool = False
    alone: bool = False  # never issues beside another instruction
    cycles: int = 1  # for which it holds the issue stage
    latency: int = 1  # floating point only
    simple: bool = False  # can run in the early ALU
    shift: bool = False  # a shift instruction
    shifted: bool = False  # an ALU operation with a shifted register or a constant that needs the shifter
    bitfield: bool = False
    dsp: bool = False  # runs in the first issue slot only
    slow_result: bool = False  # saturating arithmetic: one cycle later than the ALU
    early_source: bool = False  # byte and bit reversal: sources early, result at once
    narrow: bool = False  # byte or halfword load
    float_mac: bool = False  # a floating-point multiply-accumulate
    float_port: bool = False  # VLDR, VSTR, VMOV: never beside a float_mac, nor in the second slot soon after one
    float_waits: bool = False  # VADD, VLDM, VLDR.64 and others: not soon after a float_mac
    place: Place | None = None
    branch: Branch = Branch.NONE
    target: int = 0
