"""A USART whose line is a pair of byte queues: no bit times (RM0385 chapter 31)."""

from __future__ import annotations

from collections.abc import Callable

from bench.boards.emulator.registers import Peripheral


class Usart(Peripheral):
    """incoming: bytes that the host sent and nobody took yet; outgoing: what the firmware sent.

    on_wait(): the firmware looked at an empty receiver; on_progress(): it moved a byte; on_change(): it set enables.
    """

    CR1, CR3, ISR, ICR, RDR, TDR = 0x00, 0x08, 0x1C, 0x20, 0x24, 0x28
    ENABLED, RECEIVES, SENDS = 1 << 0, 1 << 2, 1 << 3  # CR1: UE, RE, TE
    DMA_RECEIVE, DMA_SEND = 1 << 6, 1 << 7  # CR3: DMAR, DMAT
    IDLE_LINE, NOT_EMPTY, SENT, CAN_SEND = 1 << 4, 1 << 5, 1 << 6, 1 << 7  # ISR: IDLE, RXNE, TC, TXE

    def __init__(self, base: int) -> None:
        super().__init__(base)
        self.incoming, self.outgoing = bytearray(), bytearray()
        self.idle_line = False
        self.on_wait: Callable[[], None] = lambda: None
        self.on_change: Callable[[], None] = lambda: None
        self.on_progress: Callable[[], None] = lambda: None

    def has(self, bits: int) -> bool:
        """Whether all these CR1 bits are set."""
        return self.values.get(self.CR1, 0) & bits == bits

    def uses_dma(self, bits: int) -> bool:
        return bool(self.values.get(self.CR3, 0) & bits)

    def read(self, offset: int) -> int:
        if offset == self.ISR:
            return self._status()
        if offset == self.RDR:
            self.on_progress()
            if self.incoming and not self.uses_dma(self.DMA_RECEIVE):
                self.values[self.RDR] = self.incoming[0]
                del self.incoming[:1]
                self.idle_line = not self.incoming
        return super().read(offset)

    def _status(self) -> int:
        waiting = bool(self.incoming) and self.has(self.ENABLED | self.RECEIVES) and not self.uses_dma(self.DMA_RECEIVE)
        if not waiting:
            self.on_wait()
        enable = self.values.get(self.CR1, 0)
        acknowledged = (enable & self.SENDS) << 18 | (enable & self.RECEIVES) << 20  # TEACK, REACK
        ready = self.SENT | self.CAN_SEND | acknowledged
        return ready | (self.NOT_EMPTY if waiting else 0) | (self.IDLE_LINE if self.idle_line else 0)

    def write(self, offset: int, value: int) -> None:
        super().write(offset, value)
        if offset == self.TDR:
            self.on_progress()
            if self.has(self.ENABLED | self.SENDS):
                self.outgoing.append(value & 0xFF)
        elif offset == self.ICR and value & self.IDLE_LINE:
            self.idle_line = False
        elif offset in (self.CR1, self.CR3):
            self.on_change()
