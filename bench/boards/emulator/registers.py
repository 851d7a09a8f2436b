"""Peripherals as blocks of 32-bit registers. What a model does not know reads back what was written."""

from __future__ import annotations


class Peripheral:
    """One block of registers; subclasses override read and write for the offsets that do something."""

    name = "peripheral"

    def __init__(self, base: int, size: int = 0x400) -> None:
        """base, size: its window in bytes, multiples of 1 KB."""
        self.base, self.size = base, size
        self.values: dict[int, int] = {}

    def read(self, offset: int) -> int:
        """The word at `offset` (a multiple of four)."""
        return self.values.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        """Stores a word at `offset`."""
        self.values[offset] = value


class Bus:
    """Routes an access of 1, 2 or 4 bytes to its peripheral; narrow writes are merged with the stored word."""

    def __init__(self, peripherals: list[Peripheral]) -> None:
        self._rest = Peripheral(0, 1 << 32)
        self._pages = {page: p for p in peripherals for page in range(p.base >> 10, (p.base + p.size) >> 10)}

    def find(self, address: int) -> Peripheral:
        """The peripheral at `address`; all that nobody models share one plain set of registers."""
        return self._pages.get(address >> 10, self._rest)

    def read(self, address: int, size: int) -> int:
        peripheral = self.find(address)
        word = peripheral.read((address - peripheral.base) & ~3)
        return word if size == 4 else (word >> (8 * (address & 3))) & ((1 << (8 * size)) - 1)

    def write(self, address: int, size: int, value: int) -> None:
        peripheral = self.find(address)
        offset = (address - peripheral.base) & ~3
        if size < 4:
            shift, mask = 8 * (address & 3), (1 << (8 * size)) - 1
            value = peripheral.values.get(offset, 0) & ~(mask << shift) | (value & mask) << shift
        peripheral.write(offset, value)
