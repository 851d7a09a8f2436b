"""emu://stm32f746?elf=PATH: the emulated board as a pyserial port.

The board runs only while the host waits for bytes, in virtual time: a read that cannot be satisfied returns at once as soon
as the firmware waits for input, as if its time-out had passed.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from serial.serialutil import PortNotOpenError, SerialBase, to_bytes

from bench.boards.emulator.image import Image
from bench.boards.emulator.machine import Machine
from bench.errors import BoardError, UnknownName


class Serial(SerialBase):  # type: ignore[misc]
    """One emulated STM32F746; its USART1 is the port."""

    def open(self) -> None:
        """Loads the ELF. Raises BoardError for a bad URL or a bad file."""
        url = urlsplit(str(self.portstr))
        if url.netloc != "stm32f746":
            raise UnknownName("emulated board", url.netloc, ["stm32f746"])
        options = {key: values[-1] for key, values in parse_qs(url.query).items()}
        if "elf" not in options:
            raise BoardError(f"{self.portstr}: no firmware", expected="emu://stm32f746?elf=PATH")
        self.machine = Machine(Image.load(Path(options["elf"])))
        self.is_open = True

    def close(self) -> None:
        self.is_open = False

    def _step(self) -> None:
        stop = self.machine.run()
        if stop.reason == "fault":
            raise BoardError(f"the firmware faulted: {stop.detail}")

    def write(self, data: Any, /) -> int:
        self._require_open()
        block = to_bytes(data)
        self.machine.usart.incoming += block
        return len(block)

    def read(self, size: int = 1, /) -> bytes:
        self._require_open()
        line = self.machine.usart.outgoing
        if len(line) < size:
            self._step()
        block = bytes(line[:size])
        del line[:size]
        return block

    def _require_open(self) -> None:
        if not self.is_open:
            raise PortNotOpenError()

    @property
    def in_waiting(self) -> int:
        self._require_open()
        self._step()
        return len(self.machine.usart.outgoing)

    def reset_input_buffer(self) -> None:
        self._require_open()
        self.machine.usart.outgoing.clear()

    def reset_output_buffer(self) -> None:
        self._require_open()
        self.machine.usart.incoming.clear()

    def flush(self) -> None:
        self._require_open()

    def fileno(self) -> int:
        raise io.UnsupportedOperation("an emulated port has no file descriptor")

    def _reconfigure_port(self) -> None:
        """Baud rate, parity and flow control change nothing in virtual time."""

    _update_rts_state = _update_dtr_state = _update_break_state = _reconfigure_port
    cts = dsr = cd = property(lambda self: True)
    ri = property(lambda self: False)
