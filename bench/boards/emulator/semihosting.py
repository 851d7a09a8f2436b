"""BKPT 0xAB: the few requests that bare-metal programs make of a debugger (Arm semihosting specification)."""

from __future__ import annotations

from bench.boards.emulator.dma import Memory

BREAKPOINT = 0xAB
OPEN, WRITE_CHARACTER, WRITE_STRING, WRITE, IS_TTY, CLOCK, EXIT, EXIT_EXTENDED = (
    0x01,
    0x03,
    0x04,
    0x05,
    0x09,
    0x10,
    0x18,
    0x20,
)
LONGEST = 1 << 16


class Semihosting:
    """Collects what the program prints; every request it does not know succeeds and does nothing."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.output = bytearray()

    def request(self, operation: int, argument: int, centiseconds: int) -> int | None:
        """The result for r0, or None when the program asks to end."""
        if operation in (EXIT, EXIT_EXTENDED):
            return None
        if operation == WRITE_CHARACTER:
            self.output += self._memory.load(argument, 1)
        elif operation == WRITE_STRING:
            for address in range(argument, argument + LONGEST):
                character = self._memory.load(address, 1)
                if character == b"\0":
                    break
                self.output += character
        elif operation == WRITE:
            words = self._memory.load(argument, 12)
            address, count = int.from_bytes(words[4:8], "little"), int.from_bytes(words[8:12], "little")
            self.output += self._memory.load(address, min(count, LONGEST))
        elif operation in (OPEN, IS_TTY):
            return 1
        elif operation == CLOCK:
            return centiseconds
        return 0
