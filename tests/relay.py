"""An emulated board behind a TCP port or a terminal: what a real one looks like to the host, silicon apart."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.boards.ports import open_port


class Relay:
    """Each connection (each start, for a terminal) gets a board fresh from reset that runs `elf`."""

    def __init__(self, elf: Path, terminal: bool = False) -> None:
        self.elf, self.connections = elf, 0
        if terminal:
            self.master, self.slave = os.openpty()
            self.url = os.ttyname(self.slave)
            read, write = (lambda: os.read(self.master, 4096)), (lambda data: os.write(self.master, data))
            threading.Thread(target=self._pass, args=(read, write), daemon=True).start()
        else:
            self.server = socket.create_server(("127.0.0.1", 0))
            self.url = f"socket://127.0.0.1:{self.server.getsockname()[1]}"
            threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            other, _ = self.server.accept()
            with other:
                self._pass(lambda other=other: other.recv(4096), other.sendall)

    def _pass(self, read: Callable[[], bytes], write: Callable[[bytes], Any]) -> None:
        self.connections += 1
        board = open_port(f"emu://stm32f746?elf={self.elf}", 1_000_000)
        with contextlib.suppress(OSError):
            while data := read():
                board.write(data)
                while answer := board.read(1 << 16):
                    write(answer)
        board.close()
