"""A modem that misbehaves a given number of times, and a server that answers anything at once."""

from __future__ import annotations

import socket
import threading
import time
import zlib

import numpy as np

from bench.boards.emulator.modem import Modem
from bench.wire import Kind, Message, Reassembler, Reply, Status


class MoodyModem(Modem):
    """moods: what goes wrong, and how often still."""

    def __init__(self, board, **moods: int) -> None:
        super().__init__(board, patience=0.05)
        self.moods, self.asked = moods, []

    def mood(self, name: str) -> bool:
        left = self.moods.get(name, 0)
        self.moods[name] = max(0, left - 1)
        return left > 0

    def command(self, line: bytes) -> None:
        self.asked.append(line)
        if self.mood("silent"):
            return
        sending = line.startswith(b"AT+CIPSEND")
        if sending and self.mood("busy"):
            self.say(b"busy p...\r\n")
        elif sending and self.mood("error"):
            self.say(b"\r\nERROR\r\n")
        elif sending and self.mood("closed"):
            self.say(b"CLOSED\r\nlink is not valid\r\n\r\nERROR\r\n")
        else:
            if self.mood("chatter"):
                self.say(
                    b"\r\n\r\nWIFI DISCONNECT\r\n\x00\xff+IPD,:\r\n+IPD,99999:\r\n+IPD,1x:\r\n" + b"z" * 500 + b"\r\n"
                )
            super().command(line)

    def datagram(self, data: bytes) -> None:
        if self.mood("send fail"):
            self.say(b"\r\nSEND FAIL\r\n")
        elif self.mood("lost up"):
            self.say(b"\r\nRecv %d bytes\r\n\r\nSEND OK\r\n" % len(data))
        else:
            super().datagram(data)

    def reply(self, data: bytes) -> None:
        if self.mood("lost down"):
            return
        if self.mood("too long"):
            super().reply(data + bytes(1600))
        if self.mood("flipped"):
            super().reply(data[:9] + bytes([data[9] ^ 4]) + data[10:])
            return
        if self.mood("cut"):
            self.say(b"\r\n+IPD,%d:" % len(data) + data[:-3])
            return
        if self.mood("old"):
            super().reply(foreign(data))
        if self.mood("short"):
            super().reply(data[:7])
        if self.mood("split"):
            self.say(b"+IP")
            self.say(b"D,%d:" % len(data))
            self.say(data[:1])
            self.say(data[1:])
        else:
            super().reply(data)


def foreign(reply: bytes) -> bytes:
    """The reply to another message: sound, but not the one that is waited for."""
    head = reply[:8] + (int.from_bytes(reply[8:12], "little") ^ 1).to_bytes(4, "little") + reply[12:-4]
    return head + zlib.crc32(head).to_bytes(4, "little")


class Answers:
    """A UDP server on loopback: logits made of the payload's CRC, so that a changed byte shows."""

    def __init__(self, classes: int, status: Status = Status.OK) -> None:
        self.classes, self.status, self.seen = classes, status, []
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.port = self.udp.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def logits(self, payload: bytes) -> np.ndarray:
        rng = np.random.default_rng(zlib.crc32(payload))
        return rng.integers(-32767, 32768, self.classes).astype("<i2")

    def _run(self) -> None:
        whole = Reassembler()
        while True:
            data, sender = self.udp.recvfrom(65535)
            message = whole.add(data, time.monotonic(), sender)
            if message:
                self.seen.append(message)
                reply = Reply(self.status, 1234, self.logits(message.payload)).pack()
                for part in Message(Kind.REPLY, message.deployment, message.sequence, reply).datagrams():
                    self.udp.sendto(part, sender)
