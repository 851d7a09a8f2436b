"""Stand-ins for a serial port: one that spoils what passes through it, and a board in a few lines of Python."""

from __future__ import annotations

import random
from collections.abc import Callable

from bench.boards.protocol import Type, decode, encode


class FaultyPort:
    """Passes bytes on to `port`; with probability `rate` per write or read, drops, flips, doubles or inserts some."""

    def __init__(self, port, rate: float, seed: int) -> None:
        self.port, self.rate, self.random, self.faults = port, rate, random.Random(seed), 0
        self.timeout = None

    def spoil(self, data: bytes) -> bytes:
        if not data or self.random.random() >= self.rate:
            return data
        self.faults += 1
        at, what = (
            self.random.randrange(len(data)),
            self.random.choice(["drop", "flip", "double", "junk", "zero", "cut"]),
        )
        end = at + self.random.randint(1, 5)
        return {
            "drop": data[:at] + data[end:],
            "flip": data[:at] + bytes([data[at] ^ 1 << self.random.randrange(8)]) + data[at + 1 :],
            "double": data[:end] + data[at:],
            "junk": data[:at] + self.random.randbytes(9) + data[at:],
            "zero": data[:at] + b"\0" + data[at:],
            "cut": data[:at],
        }[what]

    @property
    def in_waiting(self) -> int:
        return self.port.in_waiting

    def write(self, data: bytes) -> None:
        self.port.write(self.spoil(data))

    def read(self, size: int = 1) -> bytes:
        return self.spoil(self.port.read(size))

    def close(self) -> None:
        self.port.close()


class FakeBoard:
    """Answers every question with `answer(type, payload) -> (type, payload)` once, and repeats it when asked again."""

    def __init__(self, answer: Callable[[int, bytes], tuple[int, bytes]]) -> None:
        self.answer, self.timeout = answer, None
        self.incoming, self.outgoing = bytearray(), bytearray()
        self.last: tuple[int, int] | None = None
        self.stored = b""

    @property
    def in_waiting(self) -> int:
        return len(self.outgoing)

    def write(self, data: bytes) -> None:
        self.incoming += data
        while (end := self.incoming.find(0)) >= 0:
            raw = bytes(self.incoming[:end])
            del self.incoming[: end + 1]
            if raw:
                self.outgoing += self.respond(raw)

    def respond(self, raw: bytes) -> bytes:
        frame = decode(raw)
        if frame is None:
            return encode(Type.NAK, 0, b"\x01")
        kind, sequence, payload = frame
        if (kind, sequence) != self.last:
            self.last = kind, sequence
            reply, content = self.answer(kind, payload)
            self.stored = encode(reply, sequence, content)
        return self.stored

    def read(self, size: int = 1) -> bytes:
        block = bytes(self.outgoing[:size])
        del self.outgoing[:size]
        return block
