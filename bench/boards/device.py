"""A board behind a serial port or URL: checks that it runs the right firmware, uploads frames, runs the program,
reads results.
"""

from __future__ import annotations

import dataclasses
import struct
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import numpy as np

from bench.boards import flash, modem
from bench.boards.base import Board, Trace
from bench.boards.hello import OtherFirmware, check, fetch, greet
from bench.boards.ports import is_emulated, open_port
from bench.boards.protocol import PAYLOAD, Channel, Type
from bench.compile.program import Build
from bench.compile.stages import Exchange
from bench.errors import BoardError

BAUD = 1_000_000  # UART_BAUD in bench/firmware/runtime.h
READ_EXCHANGE = 0xFFFE
WAITING, DONE = 1, 2
CYCLES_PER_MAC = 40  # generous: only a time-out


@dataclass(frozen=True)
class Status:
    state: int
    stage: int
    payload_bytes: int
    stack_high_water: int


class Device(Board):
    """Any F746 with this program's firmware: real, emulated or at the far end of a socket."""

    def __init__(self, port: Any, name: str, build: Build, virtual: bool = False) -> None:
        """Says hello. Raises BoardError for silence, junk, or a firmware other than `build` at its clock, caches on."""
        self.port, self.name, self.build = port, name, build
        self.channel = Channel(port, name, BAUD, virtual)
        self._index = {buffer: i for i, buffer in enumerate(build.buffers)}
        self._compute_s = 5.0 + build.macs * CYCLES_PER_MAC / build.clock_hz
        self.modem = False  # the board sends its payloads itself
        self.info = greet(self.channel)
        self._check()

    @classmethod
    def open(cls, url: str, build: Build, with_modem: bool = False) -> Device:
        """url: /dev/NAME or any pyserial URL; emu://stm32f746 runs the build's own ELF. with_modem: an emulated board
        gets an emulated one. A real board with another firmware is flashed where pyocd can. Raises BoardError.
        """
        emulated, full = is_emulated(url), url
        for option, value in (("elf", quote(str(build.elf))), *([("modem", "esp8266")] if with_modem else [])):
            if emulated and f"{option}=" not in url:
                full += f"{'&' if '?' in full else '?'}{option}={value}"
        try:
            return cls._connect(full, url, build)
        except OtherFirmware:
            if emulated or not flash.is_possible(url):
                raise
        flash.program(build.elf, url)
        return cls._connect(full, url, build)

    @classmethod
    def _connect(cls, full: str, url: str, build: Build) -> Device:
        port = open_port(full, BAUD)
        try:
            return cls(port, url, build, is_emulated(url))
        except BaseException:
            port.close()
            raise

    def close(self) -> None:
        self.port.close()

    def use_modem(self, settings: modem.Modem, port: int, deployment: int) -> None:
        """Lets the board send its payloads itself, through its modem to the server of a deployment (its number on the
        wire) at UDP `port`. Raises BoardError with what the modem said, or where the program sends nothing.
        """
        if self.build.payload not in self._index:
            raise BoardError("the program sends nothing", do="leave the modem out")
        line = modem.Line(self.channel)
        line.connect(settings, port)
        line.use(deployment, self._index[self.build.payload])
        self.modem = True

    def infer(self, frame: np.ndarray | bytes, exchange: Exchange | None = None) -> Trace:
        """Raises BoardError if the frame or the reply has the wrong size, or if the board fails."""
        data = np.ascontiguousarray(frame, np.uint8).tobytes() if isinstance(frame, np.ndarray) else bytes(frame)
        wanted = self.build.tensors["frame"]
        if len(data) != wanted.nbytes:
            raise BoardError("frame", expected=f"{wanted.nbytes} bytes {list(wanted.shape)}", got=f"{len(data)} bytes")
        self._upload(Type.LOAD, data)
        status, payload = self._run(Type.RUN), b""
        if self.modem:
            return self._through_modem(status)
        while status.state == WAITING:
            payload = self._payload(status)
            status = self._reply(payload, exchange)
        return self._trace(status, payload)

    def _through_modem(self, status: Status) -> Trace:
        last = modem.exchanged(fetch(self.channel, READ_EXCHANGE, modem.EXCHANGE.size))
        if status.state == WAITING:
            raise modem.failure(self.name, last)
        payload = self._payload(status) if last.tries else b""
        return dataclasses.replace(self._trace(status, payload), modem=last if last.tries else None)

    def read(self, buffer: str, count: int | None = None) -> bytes:
        """The first `count` bytes (default: all) of a result buffer."""
        size = self._size(buffer) if count is None else count
        return fetch(self.channel, self._index[buffer], size)

    def _check(self) -> None:
        """Raises BoardError for a firmware other than `build` at its clock, caches on."""
        info, do = self.info, f"run: ./reproduce.sh board flash {self.build.elf}"
        if info.build_id != self.build.build_id:
            raise OtherFirmware(
                f"{self.name} runs another firmware", expected=self.build.build_id, got=info.build_id, do=do
            )
        check(self.name, info, self.build.clock_hz, do)

    def _upload(self, kind: Type, data: bytes) -> None:
        step = PAYLOAD - 4
        for offset in range(0, len(data), step):
            part = data[offset : offset + step]
            (filled,) = self._words(1, kind, struct.pack("<I", offset) + part)
            if filled != offset + len(part):
                raise BoardError(f"{self.name}: upload", expected=f"{offset + len(part)} bytes", got=filled)

    def _run(self, kind: Type) -> Status:
        status = Status(*self._words(4, kind, seconds=self._compute_s))
        most = self._size(self.build.payload) if self.build.payload else 0
        if status.state not in (WAITING, DONE) or status.payload_bytes > most:
            expected = f"state {WAITING} or {DONE}, a payload of at most {most} bytes"
            raise BoardError(f"{self.name}: status", expected=expected, got=status)
        return status

    def _words(self, count: int, kind: Type, payload: bytes = b"", seconds: float = 0.0) -> tuple[int, ...]:
        """An answer of `count` u32."""
        raw = self.channel.ask(kind, payload, expect=4 * count, seconds=seconds)
        if len(raw) != 4 * count:
            raise BoardError(f"{self.name}: answer to {kind.name}", expected=f"{4 * count} bytes", got=len(raw))
        return struct.unpack(f"<{count}I", raw)

    def _payload(self, status: Status) -> bytes:
        return self.read(self.build.payload, status.payload_bytes) if self.build.payload else b""

    def _reply(self, payload: bytes, exchange: Exchange | None) -> Status:
        if exchange is None or self.build.reply is None:
            raise BoardError("the program waits for a server", expected="an exchange", got="none")
        reply, wanted = exchange(payload), self.build.tensors[self.build.reply].nbytes
        if len(reply) != wanted:
            raise BoardError("the server's logits", expected=f"{wanted} bytes", got=f"{len(reply)} bytes")
        self._upload(Type.REPLY, reply)
        return self._run(Type.RESUME)

    def _size(self, buffer: str) -> int:
        if buffer == "cycles":
            return 4 * len(self.build.stages)
        return 4 * len(self.build.layers) if buffer == "layer_cycles" else self.build.tensors[buffer].nbytes

    def _trace(self, status: Status, payload: bytes) -> Trace:
        build, values = self.build, dict[str, np.ndarray]()
        for name in build.buffers:
            if name == build.payload:
                values[name] = np.frombuffer(payload, np.uint8)
            elif name in build.tensors:
                tensor = build.tensors[name]
                values[name] = np.frombuffer(self.read(name), tensor.dtype).reshape(tensor.shape)
        cycles = np.frombuffer(self.read("cycles"), "<u4").tolist()
        layers = np.frombuffer(self.read("layer_cycles"), "<u4").tolist() if build.layers else []
        scores = values["scores"]
        return Trace(
            prediction=int(np.argmax(scores)),
            scores=scores,
            cycles=dict(zip(build.stages, cycles, strict=True)),
            layer_cycles=dict(zip(build.layers, layers, strict=True)),
            payload=payload,
            stack_high_water=status.stack_high_water,
            decided="server" if payload else "device",
            values=values,
        )
