"""An ESP-WROOM-02D with Espressif's AT firmware on USART6, as a bridge to UDP sockets of this computer.

It speaks like AT 1.7 for the ESP8266 with one link (CIPMUX=0). Every byte on the serial line takes ten bit times of the
processor's virtual clock. The air takes none: while a reply is due, the host waits for it and virtual time stands
still (bench/link.py models the air). Only loopback addresses are reached.
"""

from __future__ import annotations

import re
import socket
from typing import Protocol

from bench.boards.emulator.clock import HSI_HZ, Rcc
from bench.boards.emulator.dma import Dma
from bench.boards.emulator.timing.native import TimingModel
from bench.boards.emulator.usart import Usart

BAUD = 115200  # after a reset
FASTEST = 40 * BAUD
TOLERANCE = 0.03  # how far two UARTs' rates may be apart
LARGEST = 1472  # bytes in one datagram
IDLE_MS = 1.0  # virtual time per look of a firmware that waits for something that does not come
VERSION = b"AT version:1.7 (emulated)\r\n"
START = re.compile(rb'AT\+CIPSTART="UDP","([\w.-]{1,64})",(\d{1,5})((?:,\d+){0,2})')
UART = re.compile(rb"AT\+UART(?:_CUR)?=(\d{3,7}),8,1,0,[0-3]")
ACCEPTED = re.compile(rb"AT|AT\+CIPMUX=0|AT\+CIPDINFO=0|AT\+CW\w+=.*|AT\+SLEEP=[0-2]")


class Board(Protocol):
    """What it is wired to: USART6 and the clocks of a Machine."""

    timing: TimingModel
    rcc: Rcc
    dma: Dma
    usarts: dict[int, Usart]


class Modem:
    """A modem that works; a test overrides `say`, `command`, `datagram` or `reply` for one that does not.

    patience: seconds of the host that a reply from the server may take.
    """

    def __init__(self, board: Board, patience: float = 2.0) -> None:
        self.board, self.usart, self.patience = board, board.usarts[6], patience
        self.baud, self.echo = BAUD, True
        self.socket: socket.socket | None = None
        self.due = 0  # replies that the server owes
        self._typed = bytearray()
        self._expected = 0  # bytes of a datagram after the prompt
        self.usart.on_wait = self.look

    def look(self) -> None:
        """The firmware looks at an empty receiver: the modem takes what was sent, and answers."""
        if self.usart.outgoing:
            data = bytes(self.usart.outgoing)
            self.usart.outgoing.clear()
            self._spend(len(data) * 10 / self._rate())
            self.take(self._on_the_line(data))
        elif self.usart.incoming:
            self.board.dma.drained()
        elif self.due and self.socket:
            self.due -= 1
            self._hear(self.socket)
        else:
            self._spend(IDLE_MS / 1e3)

    def say(self, text: bytes) -> None:
        """Bytes to the firmware."""
        self._spend(len(text) * 10 / self.baud)
        self.usart.incoming += self._on_the_line(text)

    def take(self, data: bytes) -> None:
        """Bytes from the firmware: command lines, or a datagram."""
        for byte in data:
            self._typed.append(byte)
            if self._expected:
                if len(self._typed) == self._expected:
                    datagram, self._expected = bytes(self._typed), 0
                    self._typed.clear()
                    self.datagram(datagram)
            elif self._typed.endswith(b"\r\n"):
                line = bytes(self._typed[:-2])
                self._typed.clear()
                if self.echo:
                    self.say(line + b"\r\r\n")
                self.command(line)

    def command(self, line: bytes) -> None:
        """Answers one command line."""
        ok = b"\r\nOK\r\n"
        if line in (b"ATE0", b"ATE1"):
            self.echo = line == b"ATE1"
            self.say(ok)
        elif line == b"AT+GMR":
            self.say(VERSION + ok)
        elif match := START.fullmatch(line):
            self.say(self._connect(match[1].decode(), int(match[2])))
        elif line == b"AT+CIPCLOSE":
            self.say(b"CLOSED\r\n" + ok if self._close() else b"\r\nERROR\r\n")
        elif match := UART.fullmatch(line):
            baud = int(match[1])
            self.say(ok if baud <= FASTEST else b"\r\nERROR\r\n")
            self.baud = baud if baud <= FASTEST else self.baud
        elif line.startswith(b"AT+CIPSEND="):
            self._prompt(line[11:])
        else:
            self.say(ok if ACCEPTED.fullmatch(line) else b"\r\nERROR\r\n")

    def datagram(self, data: bytes) -> None:
        """Passes a datagram on to the server."""
        assert self.socket is not None
        self.say(b"\r\nRecv %d bytes\r\n" % len(data))
        self.socket.send(data)
        self.due = 1
        self.say(b"\r\nSEND OK\r\n")

    def reply(self, data: bytes) -> None:
        """Passes a datagram of the server on to the firmware."""
        self.say(b"\r\n+IPD,%d:" % len(data) + data)

    def _prompt(self, count: bytes) -> None:
        if self.socket is None:
            self.say(b"link is not valid\r\n\r\nERROR\r\n")
        elif not count.isdigit() or not 0 < int(count) <= LARGEST:
            self.say(b"\r\nERROR\r\n")
        else:
            self._expected = int(count)
            self.say(b"\r\nOK\r\n> ")

    def _connect(self, host: str, port: int) -> bytes:
        if self.socket:
            return b"ALREADY CONNECTED\r\n\r\nERROR\r\n"
        if not host.startswith("127.") or not 0 < port < 65536:
            return b"DNS Fail\r\n\r\nERROR\r\n"
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect((host, port))
        return b"CONNECT\r\n\r\nOK\r\n"

    def _close(self) -> bool:
        was, self.socket, self.due = self.socket, None, 0
        if was:
            was.close()
        return was is not None

    def _hear(self, link: socket.socket) -> None:
        link.settimeout(self.patience)
        try:
            self.reply(link.recv(65535))
        except (TimeoutError, ConnectionRefusedError):
            return

    def _rate(self) -> float:
        """The firmware's baud rate."""
        clock = self.board.rcc.hclk_hz() if self.board.rcc.values.get(0x90, 0) >> 10 & 3 == 1 else HSI_HZ
        return clock / max(16, self.usart.values.get(0x0C, 0))

    def _on_the_line(self, data: bytes) -> bytes:
        """What arrives: junk where the two rates differ."""
        fits = abs(self._rate() / self.baud - 1) <= TOLERANCE
        return data if fits else bytes(byte * 37 & 0xFF | 0x80 for byte in data)

    def _spend(self, seconds: float) -> None:
        self.board.timing.spend(round(seconds * self.board.rcc.hclk_hz()))
