"""Notices that the firmware waits for the host, and makes waiting leave no trace in the timing model.

A firmware that polls an empty receiver would poll for ever in virtual time. It counts as waiting when it looks often,
a short time apart, with equal registers, or very many times in any case. How often it looked depends on how the
host cut its bytes; so predictor and caches are put back to what they were at the first look.
"""

from __future__ import annotations

from collections.abc import Callable

import unicorn as uc

from bench.boards.emulator.stop import CORE_REGISTERS
from bench.boards.emulator.timing.native import TimingModel
from bench.boards.emulator.usart import Usart

LOOKS = 3  # with equal registers
PATIENCE = 256  # looks in any case (a loop with a time-out counter)
SHORT = 500  # cycles between two looks of one polling loop


class Waiting:
    """Watches one USART; drained(): the firmware has read all that DMA delivered; halt(): nothing is left.

    note(): called at each look, so that halt() knows which instruction it stops in.
    """

    def __init__(
        self,
        machine: uc.Uc,
        timing: TimingModel,
        usart: Usart,
        drained: Callable[[], None],
        note: Callable[[], None],
        halt: Callable[[], None],
    ) -> None:
        self._machine, self._timing, self._usart = machine, timing, usart
        self._drained, self._note, self._halt = drained, note, halt
        self._looks = self._equal = self._last = 0
        self._registers: tuple[int, ...] = ()
        usart.on_wait, usart.on_progress = self.look, self.progress

    def look(self) -> None:
        """The firmware looked at the receiver and found nothing."""
        self._note()
        now = self._timing.cycles
        if now - self._last > SHORT:
            self.progress()
        self._last = now
        self._looks += 1
        if self._looks == 1:
            self._timing.save()
            return
        registers = tuple(self._machine.reg_read_batch(CORE_REGISTERS))
        self._equal = self._equal + 1 if registers == self._registers else 1
        self._registers = registers
        if self._equal < LOOKS and self._looks < PATIENCE:
            return
        if self._usart.incoming:
            self.resume()
            self._drained()
        else:
            self._halt()

    def progress(self) -> None:
        """The firmware did something else than look."""
        self._looks = self._equal = 0
        self._timing.drop_saved()

    def resume(self) -> None:
        """The machine goes on. With something to read again, the looks since then never happened."""
        self._looks = self._equal = 0
        if self._usart.incoming:
            self._timing.restore()
