"""Stand-ins for power monitors that speak their protocols, and can be told to misbehave. Each plays one scene: what the
board draws and when its pin is high, as (seconds, ampere, pin).
"""

from __future__ import annotations

import struct
import threading
from types import SimpleNamespace

import numpy as np

CHUNK = 2000  # samples per read
CALIBRATION = "".join(
    f"{name}{i}: {value}\n"
    for name, values in {
        "R": (1000.0, 100.0, 10.0, 1.0, 0.05), "GS": (0,) * 5, "GI": (1,) * 5, "O": (100.0,) * 5, "S": (0,) * 5,
        "I": (0,) * 5, "UG": (1,) * 5,
    }.items()
    for i, value in enumerate(values)
)  # fmt: skip
RESISTORS = (1000.0, 100.0, 10.0, 1.0, 0.05)


def play(scene, rate):
    """ampere, pin per sample."""
    counts = [round(seconds * rate) for seconds, _, _ in scene]
    return (
        np.repeat([ampere for _, ampere, _ in scene], counts),
        np.repeat([pin for _, _, pin in scene], counts),
    )


class FakePort:
    """Bytes to be read: those put there, and what `more()` makes while a measurement runs."""

    timeout = None

    def __init__(self):
        self.out, self.closed, self.commands = bytearray(), False, []
        self.ended = threading.Event()

    def more(self):
        return b""

    @property
    def in_waiting(self):
        return len(self.out)

    def read(self, size=1):
        if len(self.out) < size:
            self.out += self.more()
        data, self.out = bytes(self.out[:size]), self.out[size:]
        return data

    def read_until(self, end):
        at = self.out.find(end)
        return self.read(at + 1) if at >= 0 else b""

    def reset_input_buffer(self):
        self.out.clear()

    def close(self):
        self.closed = True


class FakePpk2(FakePort):
    """faults: no_end, bad_range, drop (samples are missing), drop_many, wrap (as many as its counter cannot see), cut
    (a byte is missing), clip, ranges (it changes), silent, endless (samples go on after the stop).
    """

    def __init__(self, scene, fault=""):
        super().__init__()
        self.fault, self.flowing = fault, False
        self.whole = self.words = self._words(*play(scene, 100_000))

    def _words(self, ampere, pin):
        shunt = np.full(len(ampere), 4)
        if self.fault == "ranges":
            shunt[50:200] = 3
        codes = np.rint((ampere * np.array(RESISTORS)[shunt] / (1.8 / 163840) + 100) / 4).astype(np.uint32)
        if self.fault == "clip":
            codes[pin.astype(bool)] = 0x3FFF
        if self.fault == "bad_range":
            shunt[7] = 6
        words = codes | shunt.astype(np.uint32) << 14 | (np.arange(len(codes)) % 64 << 18).astype(np.uint32)
        words |= pin.astype(np.uint32) << 24
        lost = {"drop": range(10, 15), "drop_many": [*range(10, 60), *range(500, 560)], "wrap": range(10, 74)}
        words = np.delete(words, np.flatnonzero(pin)[[*lost.get(self.fault, ())]])
        data = words.astype("<u4").tobytes()
        if self.fault == "cut":
            data = data[:4001] + data[4002:]
        return data

    def write(self, data):
        self.commands.append(data)
        if data[0] == 0x19:
            self.out += (CALIBRATION + "VDD: 3300\nHW: 9173\nmode: 1\nIA: 56\n").encode()
            self.out += b"" if self.fault == "no_end" else b"END\n"
        if data[0] == 0x06:  # the scene from its beginning
            self.words, self.flowing = self.whole, self.fault != "silent"
            self.ended.clear()
        elif data[0] == 0x07:
            self.flowing = False

    def more(self):
        if self.fault == "endless" and self.commands[-1] == bytes([0x07]):
            return self.whole[:400]
        if not self.flowing:
            return b""
        data, self.words = self.words[: 4 * CHUNK + 2], self.words[4 * CHUNK + 2 :]  # reads end within a sample
        if not self.words:
            self.ended.set()
        return data


def lpm_sample(ampere):
    exponent = next(e for e in range(6, -1, -1) if ampere * 16**e < 4096)
    return struct.pack(">H", exponent << 12 | round(ampere * 16**exponent))


class FakeLpm01a(FakePort):
    """faults: refuses, silent, overcurrent, overflow, missing, behind (few are missing), error, junk, no_end, unplugged
    (no supply), damaged (a message without its end), clip.
    """

    def __init__(self, scene, fault=""):
        super().__init__()
        self.fault, self.scene = fault, scene
        self.data, self.flowing = b"", False

    def stream(self):
        ampere, pin = play(self.scene, 100_000)
        ampere = ampere[np.argmax(pin > 0) :]  # from the trigger on
        if self.fault == "clip":
            ampere = np.where(np.arange(len(ampere)) == 300, 0.0501, ampere)
        data = b""
        for start in range(0, len(ampere), 500):
            data += b"".join(map(lpm_sample, ampere[start : start + 500]))
            count = start + 500 + {"missing": 5000, "behind": 100}.get(self.fault, 0)
            stamp = count // 100 | (1 << 31 if self.fault == "overflow" else 0)
            data += b"\xf0\xf3" + struct.pack(">IB", stamp, 3) + b"\xff\xff"
        wrong = {
            "overcurrent": b"\xf0\xf5\xff\xff", "error": b"\xf0\xf1no more\xff\xff", "junk": b"\xf0\x00",
            "unplugged": b"\xf0\xf6\xff\xff", "damaged": b"\xf0\xf7" + bytes(4),
        }.get(self.fault, b"")  # fmt: skip
        return data[:200] + wrong + data[200:]

    def write(self, data):
        line = data.decode().strip()
        self.commands.append(line)
        verb = line.split()[0]
        if self.fault == "silent":
            return
        if self.fault == "refuses" and verb == "volt":
            self.out += b"PowerShield > err volt\r\n"
        elif verb == "stop":
            self.flowing = False
            self.out += b"" if self.fault == "no_end" else b"\xf0\xf4\xff\xff"
        else:
            self.out += f"PowerShield > ack {verb}\r\n".encode()
        if verb == "start":
            self.data, self.flowing = self.stream(), True

    def more(self):
        if not self.flowing:
            return b""
        data, self.data = self.data[: 2 * CHUNK + 1], self.data[2 * CHUNK + 1 :]
        if not self.data:
            self.ended.set()
        return data


class FakeJoulescope:
    """As the package's device. faults: lost (NaN), off, overwritten, clip."""

    output_sampling_frequency = 1e6

    def __init__(self, scene, fault=""):
        self.fault, self.scene, self.parameters = fault, scene, {}
        self.stream_buffer, self.ended, self.closed = self, threading.Event(), False
        self.first, self.last = 100, 100

    def parameter_set(self, name, value):
        self.parameters[name] = value

    def start(self):
        self.ampere, self.pin = play(self.scene, self.output_sampling_frequency)
        self.first = self.last = 100

    def stop(self):
        self.ended.set()

    @property
    def sample_id_range(self):
        self.last = min(self.last + 5000, 100 + len(self.ampere))
        if self.fault == "overwritten" and self.last > 20_000:
            self.first = self.last - 10
        if self.last == 100 + len(self.ampere):
            self.ended.set()
        return self.first, self.last

    def samples_get(self, start, stop, fields):
        inside = slice(start - 100, stop - 100)
        ampere = self.ampere[inside].astype(np.float32)
        if self.fault == "lost":
            ampere[10:20] = np.nan
        if self.fault == "clip":
            ampere[self.pin[inside] > 0] = 3.1
        values = {
            "current": ampere, "voltage": np.full(len(ampere), 3.0, np.float32),
            "current_range": np.full(len(ampere), 7 if self.fault == "off" else 2, np.uint8),
            "current_lsb": self.pin[inside].astype(np.uint8),
        }  # fmt: skip
        return {"signals": {name: {"value": values[name], "units": ""} for name in fields}}

    def close(self):
        self.closed = True

    def __str__(self):
        return "JS220-000001"


def trace(cycles, payload=b"", modem=None):
    """What of a trace an energy window needs."""
    return SimpleNamespace(cycles=cycles, payload=payload, modem=modem)
