"""Inner loops as inline assembly: multiply-accumulates with their loads beside them.

The Cortex-M7 issues one multiply-accumulate per cycle, and a load together with it when the load is the older of the
two (certain; the other order is not, see bench/boards/emulator/README.md). A loaded word can be multiplied two cycles
later. So each cycle gets the load that a later product needs, then a product whose words have arrived.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

LATENCY = {"ldr": 2, "ldrb": 3, "ldrsb": 3}  # cycles from a load to a multiplication of what it loaded
REACH = 4092  # largest offset of LDR with a constant
FRESH = {"smlad": "smuad", "smlabb": "smulbb", "smlabt": "smulbt", "smlatb": "smultb", "smlatt": "smultt"}
OPS = list(FRESH)  # in the order of add_product() in int8.h
Word = tuple[str, int]  # pointer ("x" or "w"), offset in bytes


@dataclass(frozen=True)
class Mac:
    """sums[total] += products of the halves of two words that `op` names."""

    op: str
    total: int
    x: int
    w: int

    @property
    def words(self) -> tuple[Word, Word]:
        return ("x", self.x), ("w", self.w)


@dataclass(frozen=True)
class Slot:
    """One cycle: loads (register, word), then at most one product (with the registers of its words)."""

    loads: tuple[tuple[int, Word], ...]
    mac: tuple[Mac, int, int] | None


def schedule(macs: Sequence[Mac], registers: int, load_x: str = "ldr") -> list[Slot]:
    """Products in the given order; loads as early as a register is free, or holds a word that is needed later.

    load_x: the instruction that loads what x points to; a byte stands for the lower half of a word.
    """
    coming: dict[Word, list[int]] = {}
    for index, mac in enumerate(macs):
        for word in mac.words:
            coming.setdefault(word, []).append(index)
    held: dict[Word, tuple[int, int]] = {}  # word -> register, cycle in which it can be multiplied
    free = list(range(registers))
    slots: list[Slot] = []
    done = 0

    def wanted() -> Iterator[Word]:
        for mac in macs[done:]:
            yield from (word for word in mac.words if word not in held)

    def load(now: int) -> tuple[int, Word] | None:
        word = next(wanted(), None)
        if word is None:
            return None
        if not free:
            victim = max(held, key=lambda w: coming[w][0])
            if coming[victim][0] <= coming[word][0]:
                return None
            free.append(held.pop(victim)[0])
        held[word] = (free.pop(0), now + LATENCY[load_x if word[0] == "x" else "ldr"])
        return held[word][0], word

    while done < len(macs):
        now = len(slots)
        loads = [loaded] if (loaded := load(now)) else []
        mac = macs[done]
        if all(word in held and held[word][1] <= now for word in mac.words):
            x, w = (held[word][0] for word in mac.words)
            slots.append(Slot(tuple(loads), (mac, x, w)))
            done += 1
            for word in mac.words:
                coming[word].pop(0)
                if not coming[word]:
                    free.append(held.pop(word)[0])
            continue
        if free and (loaded := load(now)):
            loads.append(loaded)
        slots.append(Slot(tuple(loads), None))
    return slots


def function(
    name: str, macs: Sequence[Mac], totals: int, registers: int, fresh: bool = True, load_x: str = "ldr"
) -> str:
    """C text of `name(x, w, s)`: s[0..totals) of the products, started anew (`fresh`) or continued.

    Assembly on the device; the same products in C elsewhere, and where an offset is beyond the reach of LDR.
    """
    head = f"KERNEL void {name}(const void *x, const void *w, int32_t *s) {{"
    plain = f"{head}\n{_portable(macs, totals, fresh, load_x)}}}"
    if max(max(mac.x, mac.w) for mac in macs) > REACH:
        return plain
    return f"#ifdef __arm__\n{head}\n{_inline(macs, totals, registers, fresh, load_x)}}}\n#else\n{plain}\n#endif"


def _inline(macs: Sequence[Mac], totals: int, registers: int, fresh: bool, load_x: str) -> str:
    lines, started = list[str](), set[int]()
    loads = {"x": load_x, "w": "ldr"}
    for slot in schedule(macs, registers, load_x):
        lines += [f"{loads[pointer]} %[t{r}], [%[{pointer}], #{offset}]" for r, (pointer, offset) in slot.loads]
        if slot.mac:
            mac, x, w = slot.mac
            first = fresh and mac.total not in started
            started.add(mac.total)
            op, last = (FRESH[mac.op], "") if first else (mac.op, f", %[s{mac.total}]")
            lines.append(f"{op} %[s{mac.total}], %[t{x}], %[t{w}]{last}")
    text = "".join(f'        "{line}\\n"\n' for line in lines)
    sums = ", ".join(f'[s{i}] "{"=&" if fresh else "+"}r"(s[{i}])' for i in range(totals))
    temporary = ", ".join(f'[t{i}] "=&r"(t{i})' for i in range(registers))
    declared = ", ".join(f"t{i}" for i in range(registers))
    return (
        f"    uint32_t {declared};\n    __asm volatile(\n{text}"
        f'        : {sums},\n          {temporary}\n        : [x] "r"(x), [w] "r"(w) : "memory");\n'
    )


def _portable(macs: Sequence[Mac], totals: int, fresh: bool, load_x: str) -> str:
    rows = ", ".join(f"{{{OPS.index(m.op)}, {m.total}, {m.x}, {m.w}}}" for m in macs)
    start = f"    for (int i = 0; i < {totals}; i++) s[i] = 0;\n" if fresh else ""
    return (
        f"    static const struct product list[] = {{{rows}}};\n{start}"
        f"    for (int i = 0; i < {len(macs)}; i++) add_product(list + i, x, w, {list(LATENCY).index(load_x)}, s);\n"
    )


def guarded(name: str, text: str) -> str:
    """C text that may come several times in a program."""
    return f"#ifndef HAVE_{name}\n#define HAVE_{name}\n{text}\n#endif\n"
