"""Messages between device and server, cut into UDP datagrams. Integers only, little-endian:

magic "AB", version u8, kind u8, deployment u32, sequence u32, fragment u16, fragments u16, length u16, payload, crc32
u32

The CRC-32 (zlib's) covers everything before it. A client repeats a message with the same sequence number when no
reply comes, so a receiver may see one twice and must answer it twice.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Hashable
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from bench.errors import DataError, ServerError

MAGIC = b"AB"
VERSION = 1
FRAGMENT = 1400  # payload bytes; with both headers below the 1,472 that fit into an Ethernet or Wi-Fi frame
HEADER = struct.Struct("<2sBBIIHHH")
CRC = struct.Struct("<I")
OVERHEAD = HEADER.size + CRC.size
REPLY = struct.Struct("<BIH")


class Kind(IntEnum):
    REQUEST = 1  # payload: what the device's coder wrote
    REPLY = 2  # payload: see Reply


class Status(IntEnum):
    OK = 0
    MALFORMED = 1  # the coder's bytes cannot be decoded
    UNKNOWN = 2  # the server serves another deployment
    FAILED = 3  # the network failed


KINDS, STATUSES = frozenset(map(int, Kind)), frozenset(map(int, Status))


@dataclass(frozen=True)
class Message:
    """deployment and sequence: u32, chosen by the client; payload: at most 65,535 fragments of 1,400 bytes."""

    kind: Kind
    deployment: int
    sequence: int
    payload: bytes

    def datagrams(self) -> list[bytes]:
        """At least one, each at most FRAGMENT + OVERHEAD bytes. Raises DataError for a payload that is too long."""
        parts = [self.payload[i : i + FRAGMENT] for i in range(0, len(self.payload), FRAGMENT)] or [b""]
        if len(parts) > 0xFFFF:
            raise DataError("message", expected=f"at most {0xFFFF * FRAGMENT} bytes", got=len(self.payload))
        return [self._datagram(i, len(parts), part) for i, part in enumerate(parts)]

    def _datagram(self, index: int, count: int, part: bytes) -> bytes:
        header = HEADER.pack(MAGIC, VERSION, self.kind, self.deployment, self.sequence, index, count, len(part))
        return header + part + CRC.pack(zlib.crc32(header + part))


@dataclass
class _Partial:
    count: int
    since: float
    parts: dict[int, bytes] = field(default_factory=dict)


class Reassembler:
    """Datagrams in any order -> whole messages. Holds at most `messages` unfinished ones of at most `max_payload`
    bytes, each for at most `seconds`; the oldest gives way. Junk is counted and dropped.
    """

    def __init__(self, max_payload: int = 1 << 20, messages: int = 16, seconds: float = 5.0) -> None:
        self.max_fragments = max(1, -(-max_payload // FRAGMENT))
        self.messages, self.seconds = messages, seconds
        self.junk = 0
        self._partial: dict[Hashable, _Partial] = {}

    def add(self, datagram: bytes, now: float, sender: Hashable = None) -> Message | None:
        """The message that this datagram completes, or None. now: seconds on any steady clock."""
        self._partial = {key: p for key, p in self._partial.items() if now - p.since <= self.seconds}
        parsed = self._parse(datagram)
        if parsed is None:
            self.junk += 1
            return None
        message, index, count = parsed
        if count == 1:
            return message
        key = (sender, message.kind, message.deployment, message.sequence)
        partial = self._partial.get(key)
        if partial is None or partial.count != count:
            self._partial.pop(key, None)
            if len(self._partial) >= self.messages:
                del self._partial[next(iter(self._partial))]
            partial = self._partial[key] = _Partial(count, now)
        partial.parts[index] = message.payload
        if len(partial.parts) < count:
            return None
        del self._partial[key]
        payload = b"".join(partial.parts[i] for i in range(count))
        return Message(message.kind, message.deployment, message.sequence, payload)

    def _parse(self, datagram: bytes) -> tuple[Message, int, int] | None:
        if not OVERHEAD <= len(datagram) <= OVERHEAD + FRAGMENT:
            return None
        magic, version, kind, deployment, sequence, index, count, length = HEADER.unpack_from(datagram)
        if magic != MAGIC or version != VERSION or kind not in KINDS or len(datagram) != OVERHEAD + length:
            return None
        if not index < count <= self.max_fragments or (index < count - 1 and length != FRAGMENT):
            return None
        if CRC.unpack_from(datagram, HEADER.size + length)[0] != zlib.crc32(datagram[: HEADER.size + length]):
            return None
        return Message(Kind(kind), deployment, sequence, datagram[HEADER.size : HEADER.size + length]), index, count


@dataclass(frozen=True)
class Reply:
    """status; elapsed_us: decode and network on the server; logits: int16, one per class (none unless OK)."""

    status: Status
    elapsed_us: int
    logits: np.ndarray

    def pack(self) -> bytes:
        logits = np.asarray(self.logits, dtype="<i2")
        return REPLY.pack(self.status, min(self.elapsed_us, 0xFFFFFFFF), logits.size) + logits.tobytes()

    @classmethod
    def unpack(cls, payload: bytes) -> Reply:
        """Raises ServerError for bytes that are not a reply."""
        if len(payload) >= REPLY.size:
            status, elapsed_us, count = REPLY.unpack_from(payload)
            if status in STATUSES and len(payload) == REPLY.size + 2 * count:
                return cls(Status(status), elapsed_us, np.frombuffer(payload, "<i2", count, REPLY.size))
        raise ServerError(
            "the server's reply is damaged", expected="status, time and int16 logits", got=f"{len(payload)} bytes"
        )
