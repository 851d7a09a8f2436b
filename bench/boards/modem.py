"""The modem on the board's second serial port, as the host sees it: set up through the firmware, then out of the way.

The firmware sends each payload itself (bench/firmware/remote.c): device -> modem -> server -> modem -> device.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

from bench.boards.protocol import Channel, Type
from bench.errors import BoardError

BAUD = 921600  # default: the fastest usual rate that needs no flow control and survives jumper wires
FASTEST = 4_608_000  # the ESP8266's limit, 40 times the rate after reset
AFTER_RESET = 115200
LONGEST_COMMAND = 192  # MODEM_LINE in bench/firmware/modem.h
TRY_MS, TRIES = 1000, 5  # of one message
COMMAND_MS = 1000
EXCHANGE = struct.Struct("<8I")
SILENT = "check its power (3.3 V), EN and the wires at D0 and D1; bench/boards/README.md"
REFUSED = "has it joined a network that reaches the server? bench/boards/README.md"


class Event(IntEnum):
    """How the modem answered: enum modem_event in bench/firmware/modem.h."""

    NOTHING, OK, ERROR, BUSY, PROMPT, SENT, DATA, TIMEOUT = range(8)


@dataclass(frozen=True)
class Modem:
    """host: the server's address as the modem reaches it; baud: of the serial line between processor and modem."""

    host: str
    baud: int = BAUD

    @classmethod
    def parse(cls, text: str) -> Modem:
        """ "HOST" or "HOST@BAUD". Raises BoardError that says what is expected."""
        host, _, baud = text.partition("@")
        plain = host.replace(".", "").replace("-", "").isalnum() and host.isascii() and len(host) <= 64
        if not plain or (baud and not (baud.isdecimal() and 9600 <= int(baud) <= FASTEST)) or text.endswith("@"):
            expected = f"HOST or HOST@BAUD, such as 192.168.0.7@{BAUD}; 9600 to {FASTEST} baud; no port"
            raise BoardError(f"modem {text!r}", expected=expected)
        return cls(host, int(baud or BAUD))

    def __str__(self) -> str:
        return f"{self.host}@{self.baud}"


@dataclass(frozen=True)
class Exchanged:
    """One message and its reply, as the firmware saw them. cycles: up until the modem has taken the last fragment, down
    from then to the reply; bytes: on the serial line, commands and echoes included; status: of the server's reply.
    """

    up_cycles: int
    down_cycles: int
    up_bytes: int
    down_bytes: int
    tries: int
    status: int
    server_us: int
    event: int


class Line:
    """Commands to the modem through the firmware behind `channel`."""

    def __init__(self, channel: Channel) -> None:
        self.channel, self.name = channel, f"the modem of {channel.name}"

    def ask(self, command: str, milliseconds: int = COMMAND_MS, baud: int = 0) -> tuple[Event, str]:
        """How the modem answered, and what it said. baud: sets the processor's side first; 0 leaves it."""
        line = command.encode()
        if len(line) > LONGEST_COMMAND or not command.isprintable():
            raise BoardError("modem command", expected=f"at most {LONGEST_COMMAND} printable bytes", got=len(line))
        question = struct.pack("<2I", baud, milliseconds) + line
        raw = self.channel.ask(Type.MODEM, question, expect=300, seconds=0.5 + milliseconds / 1e3)
        event = int.from_bytes(raw[:4], "little")
        if len(raw) < 4 or event not in Event.__members__.values():
            raise BoardError(f"{self.name}: answer", expected="an event and text", got=raw[:16].hex(" "))
        return Event(event), raw[4:].decode("ascii", "replace")

    def must(self, command: str, milliseconds: int = COMMAND_MS) -> str:
        """What the modem said to a command that it accepts. Raises BoardError where it does not; busy: asks again."""
        event, said = Event.BUSY, ""
        for _ in range(TRIES):
            event, said = self.ask(command, milliseconds)
            if event not in (Event.BUSY, Event.TIMEOUT):
                break
        if event != Event.OK:
            shown = "AT+CWJAP" if "CWJAP" in command else command  # no password on the screen
            got = ": ".join([event.name.lower(), *([" / ".join(filter(None, said.splitlines()))] if said else [])])
            raise BoardError(f"{self.name} refuses {shown}", expected="OK", got=got, do=REFUSED)
        return said

    def wake(self, baud: int) -> None:
        """Brings both sides to `baud`. Raises BoardError if the modem does not answer at any known rate."""
        for rate in (AFTER_RESET, baud):
            for _ in range(3):  # a modem that was cut off in mid-line says ERROR to the first
                if self.ask("AT", 200, rate)[0] == Event.OK:
                    self.must("ATE0")
                    self.must(f"AT+UART_CUR={baud},8,1,0,0")
                    self.ask("AT", 200, baud)
                    self.must("AT")
                    return
        tried = f"nothing at {AFTER_RESET} and {baud} baud"
        raise BoardError(f"{self.name} is silent", expected="OK", got=tried, do=SILENT)

    def connect(self, modem: Modem, port: int) -> None:
        """Opens the modem's UDP link to the server. Raises BoardError with what the modem said."""
        self.wake(modem.baud)
        self.must("AT+CIPMUX=0")
        self.ask("AT+CIPCLOSE")  # of an earlier run; ERROR where there is none
        self.must(f'AT+CIPSTART="UDP","{modem.host}",{port}', 10_000)

    def use(self, deployment: int, payload: int) -> None:
        """From now on the firmware sends buffer `payload` as messages to that deployment's server."""
        self.channel.ask(Type.REMOTE, struct.pack("<5I", deployment, 0, payload, TRY_MS, TRIES))


def exchanged(raw: bytes) -> Exchanged:
    """The firmware's account of the last inference."""
    return Exchanged(*EXCHANGE.unpack(raw))


def failure(name: str, last: Exchanged) -> BoardError:
    """Why no reply came."""
    if last.status:
        return BoardError(f"the server refused what {name} sent", expected="status OK", got=f"status {last.status}")
    event = Event(last.event).name.lower() if last.event < len(Event) else str(last.event)
    got = f"{event} after {last.tries} tries, {last.up_bytes} bytes out, {last.down_bytes} in"
    return BoardError(f"no reply through the modem of {name}", expected="a reply of the server", got=got, do=SILENT)
