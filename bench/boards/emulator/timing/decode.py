"""Machine code -> Instruction, through capstone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import capstone as cs
from capstone import arm

from bench.boards.emulator.timing import mnemonics as m
from bench.boards.emulator.timing.instruction import NONE, Branch, Instruction, Kind, Place

PC, SP, FLAGS = arm.ARM_REG_PC, arm.ARM_REG_SP, arm.ARM_REG_CPSR
CORE = range(arm.ARM_REG_R0, arm.ARM_REG_R12 + 1)
DOUBLES = range(arm.ARM_REG_D0, arm.ARM_REG_D31 + 1)

_capstone = cs.Cs(cs.CS_ARCH_ARM, cs.CS_MODE_THUMB | cs.CS_MODE_MCLASS | cs.CS_MODE_V8)
_capstone.detail = True


def disassemble(code: bytes, address: int) -> list[Any]:
    """Capstone's instructions in `code`, which lies at `address`; (address, size) of what it does not know."""
    found: list[Any] = []
    offset = 0
    while offset < len(code):
        for raw in _capstone.disasm(code[offset:], address + offset):
            found.append(raw)
            offset += raw.size
        if offset < len(code):
            size = 4 if int.from_bytes(code[offset : offset + 2], "little") >> 11 >= 0b11101 else 2
            found.append((address + offset, size))
            offset += size
    return found


def decode(code: bytes, address: int) -> list[Instruction]:
    """The instructions in `code`, which lies at `address`."""
    return [instruction(raw) for raw in disassemble(code, address)]


def instruction(raw: Any) -> Instruction:
    """One of disassemble()'s; what capstone does not know takes one cycle alone."""
    if isinstance(raw, tuple):
        address, size = raw
        return Instruction(address, size, "?", Kind.SYSTEM, alone=True)
    return _instruction(raw)


def plain(raw: Any) -> tuple[str, bool]:
    """The mnemonic without condition and data type, and whether there is a condition."""
    name, conditional = raw.mnemonic.split(".")[0], raw.cc not in (0, arm.ARM_CC_AL)
    return name[:-2] if conditional and name[-2:] in m.CONDITIONS else name, conditional


class _Operands:
    """A capstone instruction's operands, sorted for the rules below."""

    def __init__(self, raw: Any) -> None:
        self.name, self.conditional = plain(raw)
        self.all = raw.operands
        self.registers = [o.reg for o in self.all if o.type == arm.ARM_OP_REG]
        memory = [o.mem for o in self.all if o.type == arm.ARM_OP_MEM]
        self.memory: Any = memory[0] if memory else None
        reads, writes = raw.regs_access()
        self.sets_flags = FLAGS in writes or raw.update_flags or self.name in m.COMPARES
        self.reads = frozenset(reads) - {FLAGS}
        self.writes = frozenset(writes) - {FLAGS}
        self.writeback = bool(raw.writeback)
        self.double = "f64" in raw.mnemonic or any(r in DOUBLES for r in self.registers)
        self.size: int = raw.size


def _instruction(raw: Any) -> Instruction:
    o = _Operands(raw)
    common = {
        "address": raw.address,
        "size": raw.size,
        "mnemonic": o.name,
        "reads_flags": o.conditional or o.name in m.READ_CARRY,
        "sets_flags": o.sets_flags,
    }
    if o.name in m.BRANCHES:
        return _branch(o, common)
    if o.name in m.LOAD_MANY or o.name in m.STORE_MANY:
        return _many(o, common)
    if o.name in m.PAIRS:
        return _pair(o, common)
    if o.name in m.LOADS or o.name in m.STORES or o.name in m.EXCLUSIVE_STORES:
        return _load_or_store(o, common)
    if o.name in m.MAC:
        return _mac(o, common)
    if o.name in m.DIVIDES:
        return Instruction(**common, kind=Kind.DIVIDE, late=o.reads, writes=o.writes, alone=True, cycles=7)
    if o.name in m.FLOAT_LATENCY:
        return _float(o, common)
    if o.name.startswith("it"):
        return Instruction(**common | {"reads_flags": False, "sets_flags": False}, kind=Kind.IF_THEN)
    if o.name == "nop":
        return Instruction(**common, kind=Kind.NOP)
    if o.name in m.SYSTEM:
        return Instruction(**common, kind=Kind.SYSTEM, late=o.reads, writes=o.writes, alone=True, cycles=4)
    return _alu(o, common)


def _branch(o: _Operands, common: dict[str, Any]) -> Instruction:
    branch, target = Branch.INDIRECT, 0
    if o.name in ("b", "bl"):
        branch, target = Branch.CONDITIONAL if o.conditional else Branch.DIRECT, o.all[0].imm
    elif o.name in ("cbz", "cbnz"):
        branch, target = Branch.CONDITIONAL, o.all[1].imm
    plain = Instruction(
        **common, kind=Kind.BRANCH, late=o.reads - {PC, SP}, writes=o.writes - {PC}, branch=branch, target=target
    )
    if o.name in ("tbb", "tbh"):
        return replace(plain, early=o.reads - {PC}, alone=True, cycles=2)
    return plain


def _jumps(writes: frozenset[int]) -> Branch:
    """A load into PC is a branch."""
    return Branch.INDIRECT if PC in writes else Branch.NONE


def _many(o: _Operands, common: dict[str, Any]) -> Instruction:
    on_stack = o.name in ("push", "pop", "vpush", "vpop")
    base = SP if on_stack else o.all[0].reg
    listed = frozenset(operand.reg for operand in (o.all if on_stack else o.all[1:]))
    words = sum(2 if register in DOUBLES else 1 for register in listed)
    shared: dict[str, Any] = {
        "early": frozenset({base}),
        "updates": frozenset({base} & o.writes),
        "alone": True,
        "cycles": max(1, (words + 1) // 2),
        "place": Place(base),
        "float_waits": o.name.startswith("v"),
    }
    if o.name in m.STORE_MANY:
        return Instruction(**common, **shared, kind=Kind.STORE_MANY, stored=listed)
    return Instruction(**common, **shared, kind=Kind.LOAD_MANY, writes=listed - {PC}, branch=_jumps(listed))


def _pair(o: _Operands, common: dict[str, Any]) -> Instruction:
    both, base = frozenset(o.registers[:2]), frozenset({o.memory.base})
    updates = base if o.writeback else NONE
    shared: dict[str, Any] = {"early": base, "updates": updates, "alone": True, "place": _place(o)}
    if o.name == "strd":
        return Instruction(**common, **shared, kind=Kind.STORE_MANY, stored=both)
    return Instruction(**common, **shared, kind=Kind.LOAD_TWO, writes=both)


def _place(o: _Operands) -> Place:
    shift = next((operand.shift.value for operand in o.all if operand.type == arm.ARM_OP_MEM), 0)
    return Place(o.memory.base, o.memory.index, o.memory.disp, shift)


def _load_or_store(o: _Operands, common: dict[str, Any]) -> Instruction:
    float_access = o.name in ("vldr", "vstr")
    shared: dict[str, Any] = {"alone": o.double, "float_waits": float_access and o.double, "float_port": float_access}
    if o.memory is not None:
        shared["early"] = frozenset({o.memory.base, o.memory.index} - {0, PC})
        shared["place"] = _place(o)
        if o.writeback:
            shared["updates"] = frozenset({o.memory.base})
    if o.name in m.STORES:
        return Instruction(**common, **shared, kind=Kind.STORE, stored=frozenset(o.registers[:1]))
    writes = frozenset(o.registers[:1])
    narrow = o.name in m.NARROW_LOADS
    return Instruction(**common, **shared, kind=Kind.LOAD, writes=writes - {PC}, narrow=narrow, branch=_jumps(writes))


def _mac(o: _Operands, common: dict[str, Any]) -> Instruction:
    r, accumulated = o.registers, NONE
    if o.name in m.MAC_ADD_ONE:
        accumulated, multiplied = frozenset(r[-1:]), frozenset(r[1:-1])
    elif o.name in m.MAC_ADD_TWO:
        accumulated, multiplied = frozenset(r[:2]), frozenset(r[2:])
    elif o.name in m.MAC_LONG:
        multiplied = frozenset(r[2:])
    else:
        multiplied = frozenset(r[1:] if len(r) > 2 else r)
    return Instruction(**common, kind=Kind.MAC, multiplied=multiplied, accumulated=accumulated, writes=o.writes)


def _float(o: _Operands, common: dict[str, Any]) -> Instruction:
    latency, moves = m.FLOAT_LATENCY[o.name], o.name == "vmov"
    if moves and any(r in CORE for r in o.writes):
        latency = 1
    accumulates = o.name in m.FLOAT_ACCUMULATE
    constant = moves and len(o.registers) == 1
    return Instruction(
        **common,
        kind=Kind.FLOAT,
        late=frozenset(o.registers[1:]) if accumulates else o.reads - {PC},
        accumulated=frozenset(o.registers[:1]) if accumulates else NONE,
        writes=o.writes,
        alone=o.double or o.name in ("vmrs", "vmsr") or (moves and len(o.registers) > 2),
        cycles=latency if o.name in m.FLOAT_BLOCKING else 1,
        latency=latency + o.double,
        float_mac=accumulates,
        float_port=moves and not constant,
        float_waits=constant or o.name in ("vadd", "vsub"),
    )


def _alu(o: _Operands, common: dict[str, Any]) -> Instruction:
    name, r = o.name, o.registers
    shift, dsp = name in m.SHIFTS, name in m.DSP
    shifted = not shift and not dsp and _uses_shifter(o)
    if name in m.ALL_EARLY:
        early = o.reads
    elif name == "bfi":
        early = frozenset(r[1:2])
    elif name == "pkhtb":
        early = frozenset(r[1:])
    elif name in m.SHIFTED_LAST or (shifted and o.all[-1].type == arm.ARM_OP_REG):
        early = frozenset(r[-1:])
    else:
        early = NONE
    late = o.reads - early
    return Instruction(
        **common,
        kind=Kind.ALU,
        early=early,
        late=NONE if early else late,
        beside_early=late if early else NONE,
        writes=o.writes,
        simple=name in m.SIMPLE and not shifted and not dsp,
        shift=shift,
        shifted=shifted,
        bitfield=name in m.BITFIELD,
        dsp=dsp,
        slow_result=name in m.SATURATING,
        early_source=name in m.REVERSALS,
    )


def _uses_shifter(o: _Operands) -> bool:
    last = o.all[-1] if o.all else None
    if last is None:
        return False
    if last.type == arm.ARM_OP_REG:
        return bool(last.shift.type and last.shift.value)
    if last.type != arm.ARM_OP_IMM or o.size != 4 or o.name in m.FREE_CONSTANTS:
        return False
    value = last.imm & 0xFFFFFFFF
    low, high = value & 0xFF, value >> 8 & 0xFF
    repeated = (low * 0x00010001, high * 0x01000100, low * 0x01010101)
    return value > 0xFF and value not in repeated
