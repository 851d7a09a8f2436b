"""Which addresses a block accesses, in terms of the registers at its entry; data.h evaluates that at every entry.

An address is a slot plus a constant. Slots 0 to 14 are r0 to r12, sp and lr at the entry, 15 is zero, and every further
one is filled by one step. Steps that no address depends on are left out. What needs flags from before the block or
unusual arithmetic is unknown, and so is an address made of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from capstone import arm

from bench.boards.emulator.timing.steps import PEEKS, ZERO, Access, Op, Step

SLOTS = 256
SLOT = {arm.ARM_REG_R0 + n: n for n in range(13)} | {arm.ARM_REG_SP: 13, arm.ARM_REG_LR: 14}
LINE = 32
MASK = 0xFFFFFFFF

Value = tuple[int, int]  # slot and constant to add
UNKNOWN: Value = (-1, 0)
CONDITIONS = {  # that Op.TEST knows, by capstone's number; the first four also for a result and zero
    arm.ARM_CC_EQ: 0, arm.ARM_CC_NE: 1, arm.ARM_CC_MI: 2, arm.ARM_CC_PL: 3, arm.ARM_CC_HS: 4, arm.ARM_CC_LO: 5,
    arm.ARM_CC_HI: 6, arm.ARM_CC_LS: 7, arm.ARM_CC_GE: 8, arm.ARM_CC_LT: 9, arm.ARM_CC_GT: 10, arm.ARM_CC_LE: 11,
}  # fmt: skip


class Full(Exception):
    """A block needs more slots than there are."""


@dataclass(frozen=True)
class Comparison:
    """The flags are those of first - second; without second: of a result, whose carry is unknown."""

    first: Value
    second: Value | None = None


@dataclass
class Symbolic:
    """The registers half-way through a block, and what it took to know them."""

    registers: dict[int, Value] = field(default_factory=lambda: {slot: (slot, 0) for slot in range(ZERO)})
    steps: list[Step] = field(default_factory=list)
    accesses: list[Access] = field(default_factory=list)
    unknown: int = 0  # accesses whose address is unknown
    flags: Comparison | None = None
    _same: dict[Step, int] = field(default_factory=dict)  # a step that was taken before -> its slot
    _slots: int = ZERO + 1

    def get(self, register: int) -> Value:
        """The value of one of capstone's registers."""
        return self.registers[SLOT[register]] if register in SLOT else UNKNOWN

    def put(self, register: int, value: Value) -> None:
        if register in SLOT:
            self.registers[SLOT[register]] = value

    def add(self, a: Value, b: Value, shift: int = 0, amount: int = 0) -> Value:
        """a + b, b shifted; constants take no step."""
        if UNKNOWN in (a, b):
            return UNKNOWN
        if shift not in (0, arm.ARM_SFT_LSL):
            b, shift, amount = self.combine(Op.SUM, (ZERO, 0), b, shift, amount), 0, 0
            if b == UNKNOWN:
                return UNKNOWN
        constant = a[1] + (b[1] << amount) & MASK
        if b[0] == ZERO:
            return a[0], constant
        if a[0] == ZERO and not amount:
            return b[0], constant
        return self._step(Step(Op.SUM, a=a[0], b=b[0], shift=shift, amount=amount))[0], constant

    def combine(self, op: Op, a: Value, b: Value, shift: int = 0, amount: int = 0, size: int = 0) -> Value:
        """a op b, b shifted; size: bits of an extract."""
        if UNKNOWN in (a, b):
            return UNKNOWN
        if op is Op.DIFFERENCE and b[0] == ZERO and not amount:
            return a[0], a[1] - b[1] & MASK
        if shift and b[1]:
            b = self._whole(b), 0
        return self._step(Step(op, a=self._whole(a), b=b[0], shift=shift, amount=amount, value=b[1], size=size))

    def condition(self, code: int) -> Value:
        """Whether a condition of capstone's holds: 1 or 0."""
        test = CONDITIONS.get(code)
        if test is None or self.flags is None or (self.flags.second is None and test > 3):
            return UNKNOWN
        return self.combine(Op.TEST, self.flags.first, self.flags.second or (ZERO, 0), size=test)

    def choose(self, holds: Value, a: Value, b: Value) -> Value:
        """a if `holds`, else b."""
        if UNKNOWN in (holds, a, b):
            return UNKNOWN
        return self._step(Step(Op.CHOOSE, a=self._whole(a), b=self._whole(b), amount=holds[0]))

    def peek(self, at: Value, size: int, signed: bool) -> Value:
        """The value in memory."""
        if at == UNKNOWN:
            return UNKNOWN
        return self._step(Step(Op.SIGNED_PEEK if signed else Op.PEEK, a=at[0], value=at[1], size=size))

    def poke(self, at: Value, value: Value, size: int) -> None:
        """Remembers what is stored, for later peeks."""
        if at != UNKNOWN:
            op, slot = (Op.HIDE, ZERO) if value == UNKNOWN else (Op.POKE, self._whole(value))
            self.steps.append(Step(op, to=slot, a=at[0], value=at[1], size=size))

    def hide(self, first: int) -> None:
        """Whether the stores since step `first` happened is unknown."""
        self.steps[first:] = [replace(s, op=Op.HIDE, to=ZERO) if s.op is Op.POKE else s for s in self.steps[first:]]

    def access(self, at: Value, size: int, write: bool, offset: int, align: int = 0) -> None:
        """`size` bytes; those close to an earlier access of the same kind join it. align: where less is slower."""
        if at == UNKNOWN:
            self.unknown += 1
            return
        count = max(1, size // 4)
        slot, low = at[0], at[1] - (at[1] >> 31 << 32)  # signed, as accesses lie on both sides of a pointer
        high = low + size
        for known in self.accesses:
            if (known.slot, known.write, known.align) != (slot, write, align) or (align and (low - known.low) % align):
                continue
            if max(high, known.high) - min(low, known.low) <= LINE:
                known.low, known.high, known.count = min(low, known.low), max(high, known.high), known.count + count
                return
        self.accesses.append(Access(slot, low, high, write, align, offset, count))

    def _whole(self, value: Value) -> int:
        """A slot that holds the value with its constant."""
        return self._step(Step(Op.SUM, a=value[0], value=value[1]))[0] if value[1] else value[0]

    def _step(self, step: Step) -> Value:
        peek = step.op in PEEKS
        if not peek and step in self._same:
            return self._same[step], 0
        if self._slots == SLOTS:
            raise Full
        slot, self._slots = self._slots, self._slots + 1
        self._same[step] = slot
        self.steps.append(replace(step, to=slot))
        return slot, 0

    def needed(self) -> tuple[list[Step], set[int]]:
        """(steps on which an address depends, registers among their sources)."""
        live = {access.slot for access in self.accesses}
        kept: list[Step] = []
        peeked = False
        for step in reversed(self.steps):
            if peeked if step.op in (Op.POKE, Op.HIDE) else step.to in live:
                kept.append(step)
                live |= {step.a, step.b}
                live |= {step.to} if step.op is Op.POKE else {step.amount} if step.op is Op.CHOOSE else set()
                peeked = peeked or step.op in PEEKS
        return kept[::-1], {slot for slot in live if slot < ZERO}
