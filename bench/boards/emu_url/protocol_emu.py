"""emu://stm32f746?elf=PATH[&assumption=NAME][&max_instructions=N][&modem=esp8266]: the emulated board, a pyserial port.

The board runs only while the host waits for bytes, in virtual time: its time-out is counted in processor cycles, and a
read that cannot be satisfied returns at once when the firmware waits for input. Nothing depends on the host's speed.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from serial.serialutil import PortNotOpenError, SerialBase, to_bytes  # type: ignore[attr-defined]

from bench.boards.emulator.image import Image
from bench.boards.emulator.machine import Machine
from bench.boards.emulator.modem import Modem
from bench.boards.emulator.stop import Reason
from bench.boards.emulator.timing.parameters import DEFAULT, Parameters, calibration_of
from bench.errors import BoardError, UnknownName

BOARD = "stm32f746"
OPTIONS = ("elf", "assumption", "calibration", "max_instructions", "modem")
MODEMS = {"esp8266": Modem}  # on USART6
SLICE = 2_000_000  # instructions between two looks at the clock


class Serial(SerialBase):
    """One emulated STM32F746, out of reset when opened; its USART1 is the port."""

    machine: Machine

    def open(self) -> None:
        """Loads the ELF. Raises BoardError or UnknownName for a bad URL or a bad file."""
        url = urlsplit(str(self.portstr))
        if url.netloc != BOARD:
            raise UnknownName("emulated board", url.netloc, [BOARD])
        options = {key: values[-1] for key, values in parse_qs(url.query, keep_blank_values=True).items()}
        for name in options.keys() - set(OPTIONS):
            raise UnknownName("option of emu://", name, OPTIONS)
        if not options.get("elf"):
            raise BoardError(f"{self.portstr}: no firmware", expected=f"emu://{BOARD}?elf=PATH")
        limit = options.get("max_instructions")
        if limit is not None and not limit.isdecimal():
            raise BoardError(f"{self.portstr}: bad max_instructions", expected="a whole number", got=limit)
        self._limit = int(limit) if limit else None
        parameters = Parameters.load(options.get("assumption", DEFAULT), calibration_of(str(self.portstr)))
        self.machine = Machine(Image.load(Path(options["elf"])), parameters)
        if "modem" in options:
            if options["modem"] not in MODEMS:
                raise UnknownName("modem", options["modem"], MODEMS)
            self.modem = MODEMS[options["modem"]](self.machine)
        self._waits = False  # the firmware waits for input and there is none
        self.is_open = True

    def close(self) -> None:
        """Switches the board off; opening again starts it from reset."""
        self.is_open = False

    def read(self, size: int = 1, /) -> bytes:
        """Up to `size` bytes; fewer when the time-out passes in virtual time or the firmware waits for input.

        Raises BoardError when the firmware faults, ends, hangs or runs past max_instructions.
        """
        line = self._machine().usart.outgoing
        deadline = None
        while len(line) < size and not self._waits:
            if self.timeout is not None:
                deadline = deadline or self.machine.cycles + int(self.timeout * self.machine.rcc.hclk_hz())
                if self.machine.cycles > deadline:
                    break
            self._run()
        block = bytes(line[:size])
        del line[:size]
        return block

    def write(self, data: Any, /) -> int:
        """Queues the bytes on the line; they arrive as fast as the firmware takes them."""
        incoming = self._machine().usart.incoming
        block = to_bytes(data)
        incoming += block
        self._waits = self._waits and not block
        return len(block)

    def _run(self) -> None:
        machine = self.machine
        end = machine.instructions + SLICE
        stop = machine.run(end if self._limit is None else min(end, self._limit))
        if stop.reason is Reason.LIMIT:
            if self._limit is not None and machine.instructions >= self._limit:
                raise BoardError(f"the firmware ran past max_instructions={self._limit}", do="look for an endless loop")
            endless = machine.endless()
            if endless is not None and not machine.usart.outgoing:
                raise BoardError(f"the firmware hangs in an empty loop at {machine.image.symbols.place(endless)}")
        elif stop.reason in (Reason.IDLE, Reason.WFI):
            self._waits = True
        elif stop.reason is Reason.FAULT:
            raise BoardError(f"the firmware faulted: {stop.detail}")
        else:
            raise BoardError(f"the firmware ended ({stop}) while the host waited for an answer")

    def _machine(self) -> Machine:
        if not self.is_open:
            raise PortNotOpenError()
        return self.machine

    @property
    def in_waiting(self) -> int:
        """Bytes that can be read at once; lets the firmware run for a while if there are none."""
        line = self._machine().usart.outgoing
        if not line and not self._waits:
            self._run()
        return len(line)

    @property
    def out_waiting(self) -> int:
        return len(self._machine().usart.incoming)

    def reset_input_buffer(self) -> None:
        """Drops what the firmware sent."""
        self._machine().usart.outgoing.clear()

    def reset_output_buffer(self) -> None:
        """Drops what the firmware has not taken yet."""
        self._machine().usart.incoming.clear()

    def flush(self) -> None:
        self._machine()

    def fileno(self) -> int:
        raise io.UnsupportedOperation("an emulated port has no file descriptor")

    def _reconfigure_port(self) -> None:
        """Baud rate, parity and flow control change nothing in virtual time."""

    def _update_rts_state(self) -> None:
        """Not wired."""

    def _update_dtr_state(self) -> None:
        """Not wired."""

    def _update_break_state(self) -> None:
        """Not wired."""

    cts = dsr = cd = property(lambda self: True)
    ri = property(lambda self: False)
