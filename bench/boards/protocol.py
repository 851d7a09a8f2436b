"""Host side of the framed protocol: stop and wait, every question answered once (bench/firmware/main.c is the other
side).

Frame: version u8, type u8, sequence u16, length u16, payload, crc32 u32 (little-endian, CRC-32 as zlib's),
COBS-encoded and closed by a zero byte. A question that is asked again with the same sequence number gets the stored
answer and runs nothing.
"""

from __future__ import annotations

import random
import struct
import time
import zlib
from enum import IntEnum
from typing import Protocol

from bench.errors import BoardError

VERSION = 1
PAYLOAD = 4096  # most bytes in one frame
HEADER = struct.Struct("<BBHH")
CRC = struct.Struct("<I")
ATTEMPTS = 8
PATIENCE = 0.5  # seconds beyond the time that the bytes need
LARGEST = HEADER.size + PAYLOAD + CRC.size
LARGEST_ENCODED = LARGEST + LARGEST // 254 + 3


class Type(IntEnum):
    """As in bench/firmware/frame_types.h."""

    HELLO, LOAD, RUN, READ, REPLY, RESUME, MODEM, REMOTE = 1, 2, 3, 4, 5, 6, 7, 8
    INFO, ACK, STATUS, DATA, NAK, FAULT, SAID = 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87


ANSWERS = {
    Type.HELLO: Type.INFO, Type.LOAD: Type.ACK, Type.RUN: Type.STATUS, Type.READ: Type.DATA, Type.REPLY: Type.ACK,
    Type.RESUME: Type.STATUS, Type.MODEM: Type.SAID, Type.REMOTE: Type.ACK,
}  # fmt: skip
NAK_CRC = 1
REFUSALS = {
    2: "it speaks another version of the protocol",
    3: "it does not know the command",
    4: "the command's length is wrong",
    5: "the offset or the size is out of range",
    6: "the command does not fit the state that it is in",
}


class Port(Protocol):
    """What is used of a pyserial port."""

    timeout: float | None

    @property
    def in_waiting(self) -> int: ...

    def read(self, size: int = 1, /) -> bytes: ...

    def write(self, data: bytes, /) -> int | None: ...


def encode(kind: int, sequence: int, payload: bytes) -> bytes:
    """A whole frame, with a zero before it so that a receiver in the middle of junk starts afresh."""
    body = HEADER.pack(VERSION, kind, sequence, len(payload)) + payload
    return b"\0" + cobs(body + CRC.pack(zlib.crc32(body))) + b"\0"


def cobs(data: bytes) -> bytes:
    """Consistent overhead byte stuffing: no zero in the result."""
    out = bytearray()
    for part in data.split(b"\0"):
        while len(part) >= 254:
            out += b"\xff" + part[:254]
            part = part[254:]
        out += bytes([len(part) + 1]) + part
    return bytes(out)


def uncobs(data: bytes) -> bytes | None:
    """The inverse of `cobs`, also of encoders that end a full run without another code byte; None for damaged input."""
    out, at = bytearray(), 0
    while at < len(data):
        code = data[at]
        part = data[at + 1 : at + code]
        if code == 0 or len(part) != code - 1:
            return None
        out += part
        at += code
        if code != 0xFF and at < len(data):
            out.append(0)
    return bytes(out)


def decode(data: bytes) -> tuple[int, int, bytes] | None:
    """(type, sequence, payload) of what lay between two zeros, or None if it is damaged or of another version."""
    body = uncobs(data)
    if body is None or len(body) < HEADER.size + CRC.size:
        return None
    version, kind, sequence, length = HEADER.unpack_from(body)
    if version != VERSION or len(body) != HEADER.size + length + CRC.size:
        return None
    if CRC.unpack_from(body, HEADER.size + length)[0] != zlib.crc32(body[: HEADER.size + length]):
        return None
    return kind, sequence, body[HEADER.size : HEADER.size + length]


class Channel:
    """Asks one question at a time over a port, as often as it takes, at most ATTEMPTS times."""

    def __init__(self, port: Port, name: str, baud: int, virtual: bool = False) -> None:
        """virtual: the port counts its own time, so a slow host must not cut it short."""
        self.port, self.name, self.baud, self.virtual = port, name, baud, virtual
        self.sequence = 0 if virtual else random.randrange(1 << 16)  # an emulated board has heard no one before
        self._pending = bytearray()
        self._junk = 0  # bytes since the last good frame

    def ask(self, kind: Type, payload: bytes = b"", expect: int = 64, seconds: float = 0.0) -> bytes:
        """The answer's payload. expect: its likely size in bytes; seconds: what the board may compute before it
        answers.

        Raises BoardError for a refusal, a fault on the board, silence or junk.
        """
        self.sequence = (self.sequence + 1) & 0xFFFF
        question = encode(kind, self.sequence, payload)
        limit = PATIENCE + seconds + 1.5 * 10 * (len(question) + expect) / self.baud
        self._junk = damaged = 0
        for _ in range(ATTEMPTS):
            try:
                self.port.write(question)
                answer = self._answer(ANSWERS[kind], time.monotonic() + limit)
            except OSError as error:
                raise BoardError(
                    f"{self.name}: the connection broke ({error})", do="plug it in and start again"
                ) from None
            if isinstance(answer, bytes):
                return answer
            damaged += answer
        raise self._failure(kind, damaged)

    def _answer(self, wanted: Type, deadline: float) -> bytes | int:
        """The answer, or why there is none: 1 if the board found the question damaged, 0 if nothing useful came in
        time.
        """
        while (frame := self._frame(deadline)) is not None:
            kind, sequence, payload = frame
            if kind == Type.FAULT and len(payload) == 24:
                number, pc, lr, cfsr, hfsr, bfar = struct.unpack("<6I", payload)
                what = (
                    f"exception {number} at pc={pc:#010x} lr={lr:#010x} cfsr={cfsr:#x} hfsr={hfsr:#x} bfar={bfar:#010x}"
                )
                raise BoardError(
                    f"the firmware on {self.name} faulted: {what}", do="report it, with the command that led to it"
                )
            if kind == Type.NAK and payload[:1] == bytes([NAK_CRC]):
                return 1
            if sequence != self.sequence:
                continue  # the answer to an older question
            if kind == wanted:
                return payload
            if kind == Type.NAK and payload:
                reason = REFUSALS.get(payload[0], f"reason {payload[0]}")
                raise BoardError(
                    f"the board on {self.name} refuses: {reason}", do="flash the firmware that this program built"
                )
            self._junk += len(payload) + HEADER.size
        return 0

    def _frame(self, deadline: float) -> tuple[int, int, bytes] | None:
        """The next good frame; None when the time is over (a port in virtual time returns nothing at once)."""
        while True:
            end = self._pending.find(0)
            if end >= 0:
                raw = bytes(self._pending[:end])
                del self._pending[: end + 1]
                frame = decode(raw) if raw else None
                if frame is not None:
                    return frame
                self._junk += len(raw)
                continue
            if len(self._pending) > LARGEST_ENCODED:
                self._junk += len(self._pending)
                self._pending.clear()
            left = deadline - time.monotonic()
            if left <= 0 and not self.virtual:
                return None
            self.port.timeout = max(left, PATIENCE) if self.virtual else left
            chunk = self.port.read(self.port.in_waiting or 1)
            if not chunk:
                return None
            self._pending += chunk

    def _failure(self, kind: Type, damaged: int) -> BoardError:
        asked = f"{kind.name} was asked {ATTEMPTS} times"
        if damaged:
            return BoardError(
                f"the line to {self.name} is too noisy: {asked}", do="use a shorter cable or another port"
            )
        if self._junk or self._pending:
            got = f"{self._junk + len(self._pending)} bytes that are no frame"
            do = "check that this is the right port and that its board runs the firmware of this program"
            return BoardError(f"{self.name} answers junk", expected="a framed answer", got=got, do=do)
        do = "check power and cable, and flash the firmware (./reproduce.sh board flash FILE.elf)"
        return BoardError(f"{self.name} is silent: {asked}", expected="an answer", got="nothing", do=do)
