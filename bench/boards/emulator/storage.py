"""The bytes behind the memory map, shared with unicorn: loader, DMA and debugger reach them without a detour."""

from __future__ import annotations

import ctypes

import unicorn as uc
from unicorn import unicorn_const as const

from bench.boards.emulator.memory import MAPPED
from bench.errors import BoardError

PROTECTION = {"r": const.UC_PROT_READ, "w": const.UC_PROT_WRITE, "x": const.UC_PROT_EXEC}


class Storage:
    """All memory of the chip, mapped into `machine`."""

    def __init__(self, machine: uc.Uc) -> None:
        self._machine = machine
        self._buffers: dict[str, ctypes.Array[ctypes.c_char]] = {}
        self._host: dict[int, int] = {}  # start of a mapping -> where it is in this process
        for mapping in MAPPED:
            owner = mapping.alias_of or mapping.name
            if owner not in self._buffers:
                self._buffers[owner] = ctypes.create_string_buffer(mapping.size)
            self._host[mapping.start] = ctypes.addressof(self._buffers[owner])
            protection = sum(PROTECTION[letter] for letter in mapping.access)
            machine.mem_map_ptr(mapping.start, mapping.size, protection, self._host[mapping.start])

    def load(self, address: int, count: int) -> bytes:
        """`count` bytes, whatever the processor may do there. Raises BoardError where there is no memory."""
        return ctypes.string_at(self._place(address, count), count)

    def store(self, address: int, data: bytes) -> None:
        """Writes data that no translated code depends on. Raises BoardError where there is no memory."""
        ctypes.memmove(self._place(address, len(data)), data, len(data))

    def store_code(self, address: int, data: bytes) -> None:
        """Writes where the processor has already executed: unicorn must translate it again."""
        self._place(address, len(data))
        self._machine.mem_write(address, data)

    def host(self, address: int) -> int:
        """Where the byte at `address` is in this process."""
        return self._place(address, 1)

    def _place(self, address: int, count: int) -> int:
        mapping = next((m for m in MAPPED if address in m), None)
        if mapping is None or address + count > mapping.end:
            raise BoardError(
                f"DMA or debugger access to {address:#010x} ({count} bytes)", expected="memory", got="none there"
            )
        return self._host[mapping.start] + address - mapping.start
