"""The radio link in virtual time: a deterministic model of how long a message occupies the air at a given rate.

time = sum over packets of (payload share + headers) x 8 / rate, up and down. The headers are those of a UDP message in
a Wi-Fi data frame. Preamble, contention, acknowledgements and losses are not modelled: by 802.11g's own times (DIFS,
mean backoff, preamble, SIFS, ACK) about 0.18 ms a packet. That is little at 2 Mbps and below, but about as much as the
bytes of a small JPEG take at 6 Mbps.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from bench import wire
from bench.errors import BenchError

# Bytes added to each fragment of a message, outermost last.
HEADERS = {
    "fragment": wire.OVERHEAD,  # ours: header and CRC-32, see bench/wire.py
    "UDP": 8,  # RFC 768
    "IPv4": 20,  # RFC 791, no options
    "LLC/SNAP": 8,  # RFC 1042: 3 bytes of IEEE 802.2 LLC, 5 of SNAP
    "802.11 MAC": 26,  # IEEE 802.11-2020 section 9.3.2.1: QoS data frame, three addresses
    "802.11 FCS": 4,  # IEEE 802.11-2020 section 9.2.4.8
}
RATE_FORMS = "a number and a unit: 6Mbps, 270kbps, 2 Mbit/s, 250000 bps"
CLOCK_FORMS = "a number and a unit: 216MHz, 64 MHz, 128000000 Hz"


@dataclass(frozen=True)
class Link:
    """A link of `rate_bps` bits per second."""

    rate_bps: float

    def packets(self, message: int) -> int:
        """Into which a message of so many payload bytes is cut; an empty message still takes one."""
        return max(1, math.ceil(message / wire.FRAGMENT))

    def air_bytes(self, message: int) -> int:
        """Bytes on the air for a message of so many payload bytes."""
        return message + sum(HEADERS.values()) * self.packets(message)

    def up_ms(self, up: int) -> float:
        """Time for `up` payload bytes to the server."""
        return self.air_bytes(up) * 8e3 / self.rate_bps

    def down_ms(self, down: int) -> float:
        """Time for `down` bytes of logits (behind the reply's head) back."""
        return self.air_bytes(wire.REPLY.size + down) * 8e3 / self.rate_bps

    def milliseconds(self, up: int, down: int) -> float:
        """Both."""
        return self.up_ms(up) + self.down_ms(down)

    def delivered(self, up: int, down: int, loss: float) -> float:
        """Probability that all packets of both messages arrive, each lost with probability `loss` by itself."""
        return (1 - loss) ** (self.packets(up) + self.packets(wire.REPLY.size + down))


def parse_rate(text: str) -> float:
    """Bits per second from "6Mbps" and the like; raises BenchError that lists the forms."""
    return _parse(text, r"(k|K|m|M|g|G)?(?:bps|bit/s|b/s|bits/s)", "bandwidth", RATE_FORMS)


def parse_clock(text: str) -> int:
    """Hertz from "216MHz" and the like; raises BenchError that lists the forms."""
    hertz = _parse(text, r"(k|K|m|M|g|G)?[hH][zZ]", "clock", CLOCK_FORMS)
    return round(hertz)


def _parse(text: str, unit: str, kind: str, forms: str) -> float:
    match = re.fullmatch(rf"\s*(\d+(?:\.\d*)?|\.\d+)\s*{unit}\s*", text, re.ASCII)
    value = float(match[1]) * {"": 1, "k": 1e3, "m": 1e6, "g": 1e9}[(match[2] or "").lower()] if match else 0.0
    if not 0 < value < 1e12:
        raise BenchError(f"{kind} {text!r} is not understood", expected=forms, do="write it like that")
    return value
