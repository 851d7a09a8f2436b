"""Data accesses are worked out from a block's registers; unicorn's memory hooks say what they really were."""

from __future__ import annotations

from collections import Counter

import pytest
from emulator_programs import build, machine
from unicorn import unicorn_const as const

LINE, SRAM, FLASH = 32, range(0x20010000, 0x20050000), range(0x08000000, 0x08100000)

PROGRAM = r"""
typedef struct node { struct node *next; int key; int16_t tag; char pad[22]; } node;
__attribute__((section(".sram"))) static volatile struct {
    node nodes[512];
    uint32_t heap[1024];
    uint8_t text[2048];
} d;
static const uint8_t table[1024] = {3, 1, 4, 1, 5, 9, 2, 6};
__attribute__((noinline)) static int chase(volatile node *p, int n) {
    int s = 0;
    while (n--) s += p->key + p->tag, p = p->next;
    return s;
}
__attribute__((noinline)) static void sift(volatile uint32_t *a, int i, int n) {
    for (int c; (c = 2 * i + 1) < n; i = c) {
        if (c + 1 < n && a[c + 1] > a[c]) c++;
        if (a[i] >= a[c]) return;
        uint32_t t = a[i]; a[i] = a[c]; a[c] = t;
    }
}
__attribute__((noinline)) static int look(int n) {
    int s = 0;
    for (int i = 0; i < n; i++) s += table[(d.text[i] << 2 & 0x3FC) ^ (s & 3)];
    return s;
}
int main(void) {
    uint32_t x = 7;
    for (int i = 0; i < 512; i++) {
        x = x * 1664525u + 1013904223u;
        d.nodes[i].next = (node *)&d.nodes[x >> 8 & 511], d.nodes[i].key = i, d.nodes[i].tag = (int16_t)x;
    }
    for (int i = 0; i < 1024; i++) {
        x = x * 1664525u + 1013904223u;
        d.heap[i] = x, d.text[2 * i] = d.text[2 * i + 1] = x >> 9;
    }
    result[0] = (uint32_t)chase(d.nodes, 3000);
    for (int i = 512; i-- > 0;) sift(d.heap, i, 1024);
    result[1] = (uint32_t)look(2048);
    return 0;
}"""


@pytest.mark.parametrize("flags", [(), ("-O0", "-fno-sanitize=all")], ids=["O2", "O0"])
def test_misses_are_those_of_the_real_accesses(flags: tuple[str, ...]) -> None:
    elf = build(PROGRAM, *flags)
    board, watched = machine(elf), machine(elf)
    board.run()
    lines: Counter[int] = Counter()
    misses = 0
    cache: dict[int, list[int]] = {}
    seed = 0

    def access(_uc: object, _kind: int, address: int, _size: int, _value: int, _data: object) -> None:
        nonlocal misses, seed
        if address not in SRAM and address not in FLASH:
            return
        line = address // LINE
        lines[line] += 1
        ways = cache.setdefault(line % 32, [])
        if line in ways:
            return
        misses += 1
        seed = (seed * 1103515245 + 12345) & 0xFFFFFFFF
        if len(ways) < 4:
            ways.append(line)
        else:
            ways[(seed >> 16) % 4] = line

    watched._uc.hook_add(const.UC_HOOK_MEM_READ | const.UC_HOOK_MEM_WRITE, access)
    watched.run()
    counts = board.timing.statistics()
    assert sum(lines.values()) > 20_000 and misses > 500
    assert counts["unknown_addresses"] < sum(lines.values()) / 20  # a conditional move, for one, is not followed
    assert counts["data_misses"] == pytest.approx(misses, rel=0.05)


def test_the_counter_in_the_middle_of_a_block_sees_only_the_misses_before_it() -> None:
    board = machine(
        build("""ITCM static void f(void) { __asm volatile(
        "ldr r0, =0xE0001004; ldr r1, =0x08040000; ldr r2, [r0]; ldr r3, [r1]; ldr r4, [r0]; ldr r5, [r1, #64];"
        "ldr r6, [r0]; ldr r1, =result; subs r4, r4, r2; subs r6, r6, r2; str r4, [r1]; str r6, [r1, #4]; .ltorg"
        ::: "r0", "r1", "r2", "r3", "r4", "r5", "r6", "memory"); }
        int main(void) { f(); return 0; }""")
    )
    board.run()
    address = board.image.symbols.addresses["result"]
    first, both = (int.from_bytes(board.load(address + 4 * i, 4), "little") for i in range(2))
    line = board.timing.parameters.memory.flash_line_at_7_wait_states
    assert line < first < line + 10 and 2 * line < both < 2 * line + 16
