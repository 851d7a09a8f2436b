"""Instructions as far as addresses depend on them: capstone's block -> addresses.Symbolic."""

from __future__ import annotations

from typing import Any

from capstone import arm

from bench.boards.emulator.timing import mnemonics as m
from bench.boards.emulator.timing.addresses import MASK, SLOT, UNKNOWN, Symbolic, Value
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
WIDTHS = {"b": 1, "h": 2, "sb": 1, "sh": 2, "exb": 1, "exh": 2}


def follow(block: list[Any], start: int) -> Symbolic:
    """All accesses of the block at `start` that decode.disassemble() found."""
    state = Symbolic()
    for raw in block:
        if not isinstance(raw, tuple):
            _follow(state, raw, raw.address - start)
    return state


def _follow(state: Symbolic, raw: Any, offset: int) -> None:
    conditional = raw.cc not in (0, arm.ARM_CC_AL)
    name = raw.mnemonic.split(".")[0]
    if conditional and name[-2:] in m.CONDITIONS:
        name = name[:-2]
    stored = len(state.steps)
    many = name in m.LOAD_MANY or name in m.STORE_MANY
    understood = (_many if many else _access)(state, raw, name, offset) or _compute(state, raw, name)
    if conditional or not understood:
        for register in raw.regs_access()[1]:
            state.put(register, UNKNOWN)
    if conditional:
        state.hide(stored)


# --- loads and stores ---


def _access(state: Symbolic, raw: Any, name: str, offset: int) -> bool:
    """False when the instruction does not access memory."""
    memory = next((o for o in raw.operands if o.type == arm.ARM_OP_MEM), None)
    if memory is None:
        return False
    registers = [o.reg for o in raw.operands if o.type == arm.ARM_OP_REG]
    base = (ZERO, raw.address + 4 & ~3) if memory.mem.base == arm.ARM_REG_PC else state.get(memory.mem.base)
    place = state.add(base, (ZERO, memory.mem.disp & MASK))
    if memory.mem.index:
        place = state.add(place, state.get(memory.mem.index), memory.shift.type, memory.shift.value)
    store = name.startswith(("st", "vst"))
    if any(raw.reg_name(r).startswith("d") for r in registers):
        state.access(place, 8, store, offset)
    elif name in m.PAIRS:
        state.access(place, 8, store, offset)
        _words(state, place, registers[:2], store)
    elif name in ("tbb", "tbh"):
        state.access(place, 1, False, offset)
    else:
        size = WIDTHS.get(name[3:], 4)
        state.access(place, size, store, offset, 0 if store or name.startswith("v") or size == 1 else size)
        if store:
            state.poke(place, state.get(registers[-1]), size)
            if name in m.EXCLUSIVE_STORES:
                state.put(registers[0], UNKNOWN)
        elif registers and registers[0] in SLOT:
            state.put(registers[0], state.peek(place, size, name.startswith("ldrs")))
    if raw.writeback:
        by = raw.operands[-1].imm & MASK if raw.post_index else 0
        state.put(memory.mem.base, state.add(place, (ZERO, by)))
    return True


def _words(state: Symbolic, place: Value, registers: list[int], store: bool) -> None:
    for n, register in enumerate(registers):
        at = state.add(place, (ZERO, 4 * n))
        if store:
            state.poke(at, state.get(register), 4)
        elif register in SLOT:
            state.put(register, state.peek(at, 4, False))


def _many(state: Symbolic, raw: Any, name: str, offset: int) -> bool:
    on_stack = name in ("push", "pop", "vpush", "vpop")
    base = arm.ARM_REG_SP if on_stack else raw.operands[0].reg
    listed = [o.reg for o in (raw.operands if on_stack else raw.operands[1:])]
    width = 8 if raw.reg_name(listed[0]).startswith("d") else 4
    span = width * len(listed)
    store, down = name in m.STORE_MANY, name in ("push", "vpush") or name.endswith("db")
    old = state.get(base)
    place = state.add(old, (ZERO, -span & MASK)) if down else old
    state.access(place, span, store, offset)
    if width == 4:
        _words(state, place, listed, store)
    if (on_stack or raw.writeback) and (store or base not in listed):
        state.put(base, place if down else state.add(old, (ZERO, span)))
    return True


# --- arithmetic ---


def _compute(state: Symbolic, raw: Any, name: str) -> bool:
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
        return state.combine(Op.XOR, _operand(state, raw, sources[-1]), (ZERO, MASK))
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
    last = sources[-1]
    if last.type == arm.ARM_OP_REG and last.shift.type > arm.ARM_SFT_ROR:
        return UNKNOWN  # a shift by a register inside an operand
    kind, amount = (last.shift.type, last.shift.value) if last.type == arm.ARM_OP_REG else (0, 0)
    second = _operand(state, raw, last)
    if plain in ("add", "addw"):
        return state.add(first, second, kind, amount)
    if plain in ("sub", "subw"):
        return state.combine(Op.DIFFERENCE, first, second, kind, amount)
    if plain == "rsb":
        whole = state.add((ZERO, 0), second, kind, amount)
        return state.combine(Op.DIFFERENCE, whole, first)
    op = (ARITHMETIC | SHIFTS).get(plain)
    return UNKNOWN if op is None else state.combine(op, first, second, kind, amount)


def _operand(state: Symbolic, raw: Any, operand: Any) -> Value:
    """A register or a constant, not shifted."""
    if operand.type == arm.ARM_OP_IMM:
        return ZERO, operand.imm & MASK
    if operand.type != arm.ARM_OP_REG:
        return UNKNOWN
    return (ZERO, raw.address + 4) if operand.reg == arm.ARM_REG_PC else state.get(operand.reg)
