"""An emulated board behind a TCP port or a terminal: what a real one looks like to the host, silicon apart."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from serial.rfc2217 import PortManager

from bench.boards.ports import open_port


class Relay:
    """Each connection (each start, for a terminal) gets a board fresh from reset that runs `elf`."""

    def __init__(self, elf: Path, terminal: bool = False, scheme: str = "socket") -> None:
        """scheme: socket or rfc2217, for a TCP port."""
        self.elf, self.connections, self.scheme = elf, 0, scheme
        if terminal:
            self.master, self.slave = os.openpty()
            self.url = os.ttyname(self.slave)
            read, write = (lambda: os.read(self.master, 4096)), (lambda data: os.write(self.master, data))
            threading.Thread(target=self._pass, args=(read, write), daemon=True).start()
        else:
            self.server = socket.create_server(("127.0.0.1", 0))
            self.url = f"{scheme}://127.0.0.1:{self.server.getsockname()[1]}"
            threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            other, _ = self.server.accept()
            with other:
                plain = partial(other.recv, 4096), other.sendall
                self._pass(*(self._telnet(other) if self.scheme == "rfc2217" else plain))

    def _telnet(self, other: socket.socket) -> tuple[Callable[[], bytes], Callable[[bytes], Any]]:
        """pyserial's own server of RFC 2217, which takes all settings."""
        manager = PortManager(open_port("loop://", 1_000_000), SimpleNamespace(write=other.sendall))

        def read() -> bytes:
            while raw := other.recv(4096):
                if data := b"".join(manager.filter(raw)):
                    return data
            return b""

        return read, lambda data: other.sendall(b"".join(manager.escape(data)))

    def _pass(self, read: Callable[[], bytes], write: Callable[[bytes], Any]) -> None:
        self.connections += 1
        board = open_port(f"emu://stm32f746?elf={self.elf}", 1_000_000)
        with contextlib.suppress(OSError):
            while data := read():
                board.write(data)
                while answer := board.read(1 << 16):
                    write(answer)
        board.close()
