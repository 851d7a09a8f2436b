"""Small bare-metal programs for the emulator's tests, compiled with ziglang and cached by content."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path

from bench import provenance
from bench.boards.emulator.image import Image
from bench.boards.emulator.machine import Machine
from bench.boards.emulator.timing.parameters import Parameters

LINKER = """
MEMORY { ITCM : ORIGIN = 0x0, LENGTH = 16K  FLASH : ORIGIN = 0x08000000, LENGTH = 1M
         DTCM : ORIGIN = 0x20000000, LENGTH = 64K  SRAM : ORIGIN = 0x20010000, LENGTH = 256K }
PHDRS { text PT_LOAD FLAGS(5); itcm PT_LOAD FLAGS(5); data PT_LOAD FLAGS(6); sram PT_LOAD FLAGS(6); }
_stack = 0x20010000;
SECTIONS {
  .isr_vector : { KEEP(*(.isr_vector)) } > HOME :text
  .text : { *(.text .text.* .rodata .rodata.*) . = ALIGN(8); } > HOME :text
  .itcm : { _itcm = .; *(.itcm) . = ALIGN(8); _itcm_end = .; } > ITCM AT> HOME :itcm
  _itcm_load = LOADADDR(.itcm);
  .bss (NOLOAD) : ALIGN(8) { _bss = .; *(.data .data.* .bss .bss.* COMMON) . = ALIGN(8); _bss_end = .; } > DTCM :data
  .sram (NOLOAD) : { *(.sram) } > SRAM :sram
  /DISCARD/ : { *(.ARM.attributes) *(.ARM.exidx* .comment) }
}
"""
PRELUDE = r"""
#include <stdint.h>
#define REG(a) (*(volatile uint32_t *)(a))
#define CYCLES REG(0xE0001004)
#define ITCM __attribute__((section(".itcm"), noinline))
#define BKPT __asm volatile("bkpt 0")
extern uint32_t _stack, _itcm, _itcm_end, _itcm_load, _bss, _bss_end;
volatile uint32_t result[64];
__attribute__((noinline)) int main(void);
#ifndef CACHES
#define CACHES 1
#endif
__attribute__((used)) void start(void) {
    REG(0xE000ED88) |= 0xFu << 20;
    for (volatile uint32_t *d = &_itcm, *s = &_itcm_load; d < &_itcm_end;) *d++ = *s++;
    for (volatile uint32_t *d = &_bss; d < &_bss_end;) *d++ = 0;
    REG(0x40023C00) = 0x307;
    if (CACHES) { REG(0xE000EF50) = 0; REG(0xE000ED14) |= 3u << 16; __asm volatile("dsb\n isb"); }
    REG(0xE000EDFC) |= 1u << 24; REG(0xE0001FB0) = 0xC5ACCE55; REG(0xE0001000) |= 1;
    main();
    BKPT;
    for (;;) ;
}
__attribute__((used, naked)) void Reset_Handler(void) {
    __asm volatile("ldr r0, =_stack\n mov sp, r0\n b start\n .ltorg");
}
#ifdef DECLARE
DECLARE
#endif
#ifndef VECTORS
#define VECTORS &_stack, (void *)Reset_Handler
#endif
__attribute__((used, section(".isr_vector"))) void *const vectors[128] = {VECTORS};
"""


def build(source: str, *flags: str, home: str = "FLASH", attributes: bool = False) -> Path:
    """An ELF of PRELUDE + source, linked to run from `home` (FLASH, DTCM, SRAM or ITCM); attributes: keep the CPU's."""
    text, script = PRELUDE + source, LINKER.replace("> HOME", f"> {home}")
    script = script.replace("*(.ARM.attributes) ", "") if attributes else script
    name = provenance.text_hash(text, script, *flags)[:16]
    elf = provenance.cache("builds") / f"test-{name}.elf"
    if elf.exists():
        return elf
    elf.parent.mkdir(parents=True, exist_ok=True)
    stem = elf.with_name(f"{elf.stem}-{os.getpid()}")
    code, layout, partial = stem.with_suffix(".c"), stem.with_suffix(".ld"), stem.with_suffix(".partial")
    code.write_text(text)
    layout.write_text(script)
    command = [
        sys.executable,
        "-m",
        "ziglang",
        "cc",
        "-target",
        "thumb-freestanding-eabihf",
        "-mcpu=cortex_m7+fp_armv8d16sp",
    ]
    command += [
        "-O2",
        "-ffreestanding",
        "-fno-builtin",
        "-fomit-frame-pointer",
        "-nostdlib",
        *flags,
        "-Wl,-e,Reset_Handler",
    ]
    command += ["-Wl,-z,max-page-size=4", "-Wl,-T," + str(layout), "-o", str(partial), str(code)]
    try:
        result = subprocess.run(command, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        os.replace(partial, elf)
    finally:
        for leftover in (code, layout, partial):
            leftover.unlink(missing_ok=True)
    return elf


def machine(elf: Path, assumption: str = "default") -> Machine:
    return Machine(Image.load(elf), Parameters.load(assumption))


def results(board: Machine, count: int) -> list[int]:
    """The first words of the program's `result`."""
    return list(struct.unpack(f"<{count}I", board.load(board.image.symbols.addresses["result"], 4 * count)))
