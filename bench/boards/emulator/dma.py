"""A DMA controller for USARTs and memory: whole blocks at once, flags as on the chip (RM0385 chapter 8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from bench.boards.emulator.registers import Peripheral
from bench.boards.emulator.usart import Usart


class Memory(Protocol):
    """What the controller can reach."""

    def load(self, address: int, count: int) -> bytes: ...

    def store(self, address: int, data: bytes) -> None: ...


@dataclass(frozen=True)
class Request:
    """A peripheral's request line: which stream and channel it is wired to (RM0385 tables 26 and 27)."""

    stream: int
    channel: int
    usart: Usart
    receives: bool


class Dma(Peripheral):
    """Eight streams.

    A receiving stream takes bytes only when firmware looks (NDTR, flags, USART status), and never more than its buffer
    holds until `drained()` says that the firmware has caught up: the ring cannot overrun in virtual time.
    """

    LISR, HISR, LIFCR, HIFCR = 0x00, 0x04, 0x08, 0x0C
    CR, NDTR, PAR, M0AR = 0x00, 0x04, 0x08, 0x0C  # within a stream
    ENABLE, DIRECTION, CIRCULAR = 1 << 0, 3 << 6, 1 << 8
    HALF, COMPLETE, ERROR = 1 << 4, 1 << 5, 1 << 3
    FLAG_SHIFT = (0, 6, 16, 22)

    def __init__(self, base: int, memory: Memory, requests: list[Request]) -> None:
        super().__init__(base)
        self._memory = memory
        self._requests = {(r.stream, r.channel): r for r in requests}
        self._reload = [0] * 8  # NDTR as written by firmware
        self._unread = [0] * 8  # bytes delivered since the firmware was last seen waiting
        self._delivered = 0
        for request in requests:
            request.usart.on_change = self.service

    def read(self, offset: int) -> int:
        flags = offset in (self.LISR, self.HISR)
        if flags or (offset >= 0x10 and (offset - 0x10) % 0x18 == self.NDTR):
            before, stream = self._delivered, (offset - 0x10) // 0x18
            self.service()
            for request in self._requests.values():
                looked_at = request.receives and (flags or request.stream == stream)
                if looked_at and self._stream_of(request) and self._delivered == before:
                    request.usart.on_wait()
        return super().read(offset)

    def write(self, offset: int, value: int) -> None:
        if offset in (self.LIFCR, self.HIFCR):
            self.values[offset - 8] = self.values.get(offset - 8, 0) & ~value
            return
        super().write(offset, value)
        if offset >= 0x10:
            stream, register = divmod(offset - 0x10, 0x18)
            if register == self.NDTR:
                self._reload[stream] = value & 0xFFFF
                self._unread[stream] = 0
            elif register == self.CR:
                self.service()

    def service(self) -> None:
        """Moves what can move now."""
        for stream in range(8):
            control = self._get(stream, self.CR)
            if not control & self.ENABLE:
                continue
            if control & self.DIRECTION == 2 << 6:
                self._copy(stream)
                continue
            request = self._requests.get((stream, control >> 25 & 7))
            if request is not None and self._stream_of(request):
                (self._receive if request.receives else self._send)(stream, request.usart)

    def drained(self) -> None:
        """The firmware polls without making progress: it has read every byte that was delivered."""
        self._unread = [0] * 8

    def _stream_of(self, request: Request) -> bool:
        """Whether firmware has set up this request completely: stream, channel, direction, address, USART enables."""
        control, usart = self._get(request.stream, self.CR), request.usart
        register, enable, direction = (
            (usart.RDR, usart.DMA_RECEIVE, 0) if request.receives else (usart.TDR, usart.DMA_SEND, 1 << 6)
        )
        return (
            bool(control & self.ENABLE)
            and control >> 25 & 7 == request.channel
            and control & self.DIRECTION == direction
            and self._get(request.stream, self.PAR) == usart.base + register
            and usart.uses_dma(enable)
            and usart.has(usart.ENABLED | (usart.RECEIVES if request.receives else usart.SENDS))
        )

    def _receive(self, stream: int, usart: Usart) -> None:
        size, left = self._reload[stream], self._get(stream, self.NDTR)
        count = min(len(usart.incoming), max(0, size - 1 - self._unread[stream]))
        circular = self._get(stream, self.CR) & self.CIRCULAR
        if not circular:
            count = min(len(usart.incoming), left)
        if not count:
            return
        self._unread[stream] += count
        self._delivered += count
        usart.on_progress()
        while count:
            part = min(count, left)
            start = self._get(stream, self.M0AR) + size - left
            self._memory.store(start, bytes(usart.incoming[:part]))
            del usart.incoming[:part]
            if left > size // 2 >= left - part:
                self._flag(stream, self.HALF)
            count, left = count - part, left - part
            if not left:
                self._flag(stream, self.COMPLETE)
                if circular:
                    left = size
                else:
                    self._stop(stream)
        self._set(stream, self.NDTR, left)
        usart.idle_line = not usart.incoming

    def _send(self, stream: int, usart: Usart) -> None:
        usart.outgoing += self._memory.load(self._get(stream, self.M0AR), self._get(stream, self.NDTR))
        usart.on_progress()
        self._finish(stream)

    def _copy(self, stream: int) -> None:
        item = 1 << (self._get(stream, self.CR) >> 11 & 3)
        data = self._memory.load(self._get(stream, self.PAR), item * self._get(stream, self.NDTR))
        self._memory.store(self._get(stream, self.M0AR), data)
        self._finish(stream)

    def _finish(self, stream: int) -> None:
        self._set(stream, self.NDTR, 0)
        self._flag(stream, self.HALF | self.COMPLETE)
        self._stop(stream)

    def _stop(self, stream: int) -> None:
        self._set(stream, self.CR, self._get(stream, self.CR) & ~self.ENABLE)

    def _flag(self, stream: int, bits: int) -> None:
        register = self.HISR if stream >= 4 else self.LISR
        self.values[register] = self.values.get(register, 0) | bits << self.FLAG_SHIFT[stream % 4]

    def _get(self, stream: int, register: int) -> int:
        return self.values.get(0x10 + 0x18 * stream + register, 0)

    def _set(self, stream: int, register: int, value: int) -> None:
        self.values[0x10 + 0x18 * stream + register] = value
