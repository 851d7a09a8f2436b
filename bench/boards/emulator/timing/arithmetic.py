"""Arithmetic as far as addresses depend on it, on addresses.Symbolic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from capstone import arm

from bench.boards.emulator.timing import mnemonics as m
from bench.boards.emulator.timing.addresses import MASK, UNKNOWN, Comparison, Symbolic, Value
from bench.boards.emulator.timing.steps import ZERO, Op

ARITHMETIC = {"and": Op.AND, "orr": Op.OR, "eor": Op.XOR, "bic": Op.CLEAR, "mul": Op.PRODUCT}
SHIFTS = {"lsl": Op.LEFT, "lsr": Op.RIGHT, "asr": Op.SIGNED_RIGHT}
FIELDS = {"ubfx": Op.EXTRACT, "sbfx": Op.SIGNED_EXTRACT}
EXTENDS = {
    "uxtb": (Op.EXTRACT, 8),
    "uxth": (Op.EXTRACT, 16),
    "sxtb": (Op.SIGNED_EXTRACT, 8),
    "sxth": (Op.SIGNED_EXTRACT, 16),
}


def compute(state: Symbolic, raw: Any, name: str) -> bool:
    """False for an instruction whose result is left unknown."""
    operands = raw.operands
    if not operands or operands[0].type != arm.ARM_OP_REG:
        return False
    if name in m.COMPARES:
        return True
    plain = name if name == "mls" else name.removesuffix("s")
    value = _value(state, raw, plain, list(operands[1:])) if len(operands) > 1 else UNKNOWN
    state.put(operands[0].reg, value)
    return value != UNKNOWN


def _value(state: Symbolic, raw: Any, plain: str, sources: list[Any]) -> Value:
    old = state.get(raw.operands[0].reg)
    if plain == "adr":
        return ZERO, (raw.address + 4 & ~3) + sources[0].imm & MASK
    if plain in ("mov", "movw"):
        return _operand(state, raw, sources[-1])
    if plain == "mvn":
        return state.combine(Op.XOR, (ZERO, MASK), *_second(state, raw, sources[-1]))
    if plain == "movt":
        return state.add(state.combine(Op.EXTRACT, old, (ZERO, 0), size=16), (ZERO, sources[0].imm << 16 & MASK))
    if plain in FIELDS:
        low = (ZERO, sources[1].imm)
        return state.combine(FIELDS[plain], state.get(sources[0].reg), low, size=sources[2].imm)
    if plain in EXTENDS:
        op, bits = EXTENDS[plain]
        return state.combine(op, state.get(sources[-1].reg), (ZERO, sources[-1].shift.value), size=bits)
    if plain in ("mla", "mls"):
        product = state.combine(Op.PRODUCT, state.get(sources[0].reg), state.get(sources[1].reg))
        third = state.get(sources[2].reg)
        return state.add(third, product) if plain == "mla" else state.combine(Op.DIFFERENCE, third, product)
    return _two_operands(state, raw, plain, sources, old)


def _two_operands(state: Symbolic, raw: Any, plain: str, sources: list[Any], old: Value) -> Value:
    first = _operand(state, raw, sources[0]) if len(sources) > 1 else old
    second = _second(state, raw, sources[-1])
    if plain in ("add", "addw"):
        return state.add(first, *second)
    if plain in ("sub", "subw"):
        return state.combine(Op.DIFFERENCE, first, *second)
    if plain == "rsb":
        return state.combine(Op.DIFFERENCE, state.add((ZERO, 0), *second), first)
    op = (ARITHMETIC | SHIFTS).get(plain)
    return UNKNOWN if op is None else state.combine(op, first, *second)


def compare(state: Symbolic, raw: Any, name: str, before: Mapping[int, Value]) -> Comparison | None:
    """What the flags say after an instruction that sets them; before: registers that it found."""
    after = state.registers
    operands = raw.operands
    if name in ("cmp", "subs") and operands:
        state.registers = dict(before)
        first = _operand(state, raw, operands[-2])
        second = state.add((ZERO, 0), *_second(state, raw, operands[-1]))
        state.registers = after
        return Comparison(first, second)
    if name == "tst":
        return Comparison(state.combine(Op.AND, _operand(state, raw, operands[0]), *_second(state, raw, operands[1])))
    if name in m.COMPARES or not operands or operands[0].type != arm.ARM_OP_REG:
        return None
    return Comparison(state.get(operands[0].reg))


def _second(state: Symbolic, raw: Any, operand: Any) -> tuple[Value, int, int]:
    """The last operand: value, kind of its shift, amount."""
    if operand.type != arm.ARM_OP_REG:
        return _operand(state, raw, operand), 0, 0
    known = operand.shift.type <= arm.ARM_SFT_ROR  # by a constant
    return _operand(state, raw, operand) if known else UNKNOWN, operand.shift.type, operand.shift.value


def _operand(state: Symbolic, raw: Any, operand: Any) -> Value:
    """A register or a constant, not shifted."""
    if operand.type == arm.ARM_OP_IMM:
        return ZERO, operand.imm & MASK
    if operand.type != arm.ARM_OP_REG:
        return UNKNOWN
    return (ZERO, raw.address + 4) if operand.reg == arm.ARM_REG_PC else state.get(operand.reg)
