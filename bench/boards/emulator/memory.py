"""The STM32F746's memory map: what lies where, and what the processor may do there (RM0385 section 2.2, table 1)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Region:
    """size in bytes; access: any of "r", "w", "x"; alias_of: whose memory it shows at a second address."""

    name: str
    start: int
    size: int
    access: str
    alias_of: str = ""

    @property
    def end(self) -> int:
        return self.start + self.size

    def __contains__(self, address: int) -> bool:
        return self.start <= address < self.end


ITCM = Region("ITCM", 0x00000000, 16 << 10, "rwx")
FLASH_ITCM = Region("flash (ITCM bus)", 0x00200000, 1 << 20, "rx", alias_of="flash")
FLASH = Region("flash", 0x08000000, 1 << 20, "rx")
SYSTEM = Region("system memory", 0x1FF0F000, 4 << 10, "r")  # unique id at +0x420, flash size in KB at +0x442
DTCM = Region("DTCM", 0x20000000, 64 << 10, "rw")  # made executable only for an image that has code there
SRAM = Region("SRAM1+2", 0x20010000, 256 << 10, "rwx")
REGIONS = (ITCM, FLASH_ITCM, FLASH, SYSTEM, DTCM, SRAM)
RAM = (ITCM, DTCM, SRAM)

# What unicorn maps. DTCM and SRAM together: it looks an address up anew whenever a program goes from one to the other,
# which costs a tenth of its speed. That DTCM holds no code is then for the block hook to see.
MAPPED = (ITCM, FLASH_ITCM, FLASH, SYSTEM, Region("RAM", DTCM.start, DTCM.size + SRAM.size, "rwx"))

# Windows of registers (start, size): APB/AHB1, AHB2, FMC and QUADSPI control, private peripheral bus.
REGISTERS = ((0x40000000, 0x80000), (0x50000000, 0x61000), (0xA0000000, 0x2000), (0xE0000000, 0x100000))


def region_of(address: int) -> Region | None:
    """The memory that holds `address`, or None for registers and for nothing at all."""
    return next((region for region in REGIONS if address in region), None)
