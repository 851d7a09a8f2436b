"""Loads, stores and conditions as far as addresses depend on them: capstone's block -> addresses.Symbolic."""

from __future__ import annotations

from typing import Any

from capstone import arm

from bench.boards.emulator.timing import mnemonics as m
from bench.boards.emulator.timing.addresses import MASK, SLOT, UNKNOWN, Full, Symbolic, Value
from bench.boards.emulator.timing.arithmetic import compare, compute
from bench.boards.emulator.timing.decode import plain
from bench.boards.emulator.timing.steps import ZERO

FLAGS = arm.ARM_REG_CPSR
WIDTHS = {"b": 1, "h": 2, "sb": 1, "sh": 2, "exb": 1, "exh": 2}


def follow(block: list[Any], start: int) -> Symbolic:
    """All accesses of the block at `start` that decode.disassemble() found."""
    state = Symbolic()
    try:
        for raw in block:
            if not isinstance(raw, tuple):
                _follow(state, raw, raw.address - start)
    except Full:
        state.unknown += 1  # and what comes after it in a very long block
    return state


def _follow(state: Symbolic, raw: Any, offset: int) -> None:
    name, conditional = plain(raw)
    before, stored = dict(state.registers), len(state.steps)
    many = name in m.LOAD_MANY or name in m.STORE_MANY
    if not (_many if many else _access)(state, raw, name, offset) and not compute(state, raw, name):
        for register in raw.regs_access()[1]:
            state.put(register, UNKNOWN)
    if conditional:
        state.hide(stored)
        holds = state.condition(raw.cc)
        for slot, old in before.items():
            if state.registers[slot] != old:
                state.registers[slot] = state.choose(holds, state.registers[slot], old)
    if FLAGS in raw.regs_access()[1] or raw.update_flags or name in m.COMPARES:
        state.flags = None if conditional else compare(state, raw, name, before)


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
