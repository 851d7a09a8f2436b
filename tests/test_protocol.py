"""Frames and the stop-and-wait protocol: round trips, and a line that loses, flips, doubles and invents bytes."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import struct
import sys
import threading
import time
import zlib
from functools import partial

import numpy as np
import pytest
from deployments import agilenn
from fake_port import FakeBoard, FaultyPort
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.boards import ports, protocol
from bench.boards.device import Device
from bench.boards.protocol import ANSWERS, Channel, Type, cobs, decode, encode, uncobs
from bench.compile import program, stages
from bench.errors import BoardError, UnknownName

BYTES = st.one_of(
    st.binary(max_size=600), st.integers(250, 520).map(lambda n: b"\x07" * n), st.integers(0, 300).map(bytes)
)


@given(BYTES)
def test_cobs(data):
    coded = cobs(data)
    assert 0 not in coded and uncobs(coded) == data
    assert len(coded) <= len(data) + len(data) // 254 + 1


def test_golden_frame():
    body = bytes.fromhex("010105000200aa00")
    whole = body + zlib.crc32(body).to_bytes(4, "little")
    assert encode(Type.HELLO, 5, b"\xaa\0") == b"\0" + cobs(whole) + b"\0"
    assert cobs(body).hex() == "04010105020202aa01"


@given(st.sampled_from(Type), st.integers(0, 65535), st.binary(max_size=700), st.data())
def test_a_damaged_frame_never_passes(kind, sequence, payload, data):
    frame = encode(kind, sequence, payload)[1:-1]
    assert decode(frame) == (kind, sequence, payload)
    at = data.draw(st.integers(0, len(frame) - 1))
    assert decode(frame[:at] + bytes([frame[at] ^ 1 << data.draw(st.integers(0, 7))]) + frame[at + 1 :]) is None
    assert decode(frame[:at]) is None
    assert decode(frame + b"\x05") is None


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_noise_on_the_line_runs_nothing_twice(seed):
    seen = []

    def answer(kind, payload):
        seen.append(payload)
        return Type.DATA, payload[::-1]

    port = FaultyPort(FakeBoard(answer), 0.05, seed)
    channel = Channel(port, "fake", 1_000_000)
    questions = [random.Random(seed + i).randbytes(50 * i) for i in range(20)]
    assert [channel.ask(Type.READ, q) for q in questions] == [q[::-1] for q in questions]
    assert seen == questions


def spoken_to(respond) -> pytest.ExceptionInfo:
    board = FakeBoard(lambda kind, payload: (Type.ACK, b""))
    board.respond = respond
    with pytest.raises(BoardError) as caught:
        Channel(board, "fake", 1_000_000).ask(Type.RUN)
    return caught


def test_what_is_wrong_is_said():
    assert "silent" in str(spoken_to(lambda raw: b"").value)
    assert "junk" in str(spoken_to(lambda raw: b"login: \xff").value)
    assert "junk" in str(spoken_to(lambda raw: b"\0" + raw + b"\0").value)  # a port that echoes
    assert "too noisy" in str(spoken_to(lambda raw: encode(Type.NAK, 0, b"\x01")).value)
    refusal = spoken_to(lambda raw: encode(Type.NAK, decode(raw)[1], b"\x06"))
    assert "state" in str(refusal.value)
    fault = spoken_to(lambda raw: encode(Type.FAULT, 0, bytes(4) + b"\x34\x12\x00\x08" + bytes(16)))
    assert "pc=0x08001234" in str(fault.value)


def test_endless_junk_ends(monkeypatch):
    monkeypatch.setattr(protocol, "PATIENCE", 0.01)
    board = FakeBoard(lambda kind, payload: (Type.ACK, b""))
    board.read = lambda size=1: b"\xa5" * 500
    with pytest.raises(BoardError, match="junk"):
        Channel(board, "fake", 1_000_000).ask(Type.HELLO)


@pytest.mark.parametrize(("baud", "seconds"), [(9600, 0.0), (1_000_000, 0.0), (1_000_000, 3.0)])
def test_time_outs_grow_with_bytes_and_computing(monkeypatch, baud, seconds):
    channel, limits = Channel(FakeBoard(lambda kind, payload: (Type.DATA, b"")), "fake", baud), []

    def answer(wanted, deadline):
        limits.append(deadline - time.monotonic())
        return b""

    monkeypatch.setattr(channel, "_answer", answer)
    channel.ask(Type.READ, bytes(10), expect=4000, seconds=seconds)
    on_the_line = 10 * 4000 / baud
    assert seconds + on_the_line < limits[0] < seconds + 2 * on_the_line + 2 * protocol.PATIENCE


def test_ports_that_cannot_be_opened(tmp_path):
    with pytest.raises(BoardError, match="no such port"):
        ports.open_port("/dev/ttyNOWHERE7", 1_000_000)
    plain = tmp_path / "file"
    plain.write_text("")
    with pytest.raises(BoardError, match="not a usable serial port"):
        ports.open_port(str(plain), 1_000_000)
    with pytest.raises(UnknownName, match="one of"):
        ports.open_port("usb://1", 1_000_000)
    with pytest.raises(BoardError, match="cannot connect"):
        ports.open_port("socket://127.0.0.1:9", 1_000_000)
    for number, words in ((13, "usermod -aG"), (16, "another program uses it"), (11, "another program uses it")):
        assert words in str(ports.explain(str(plain), OSError(number, "x")))
    with plain.open():
        assert "python" in ports.holder(str(plain)) or "pytest" in ports.holder(str(plain))


def serve(board: FakeBoard, receive, send) -> threading.Thread:
    """Lets the fake board answer what `receive()` returns, until that is empty or fails."""

    def loop():
        with contextlib.suppress(OSError):
            while data := receive():
                board.write(data)
                send(board.read(1 << 16))

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    return thread


@pytest.mark.skipif(sys.platform != "linux", reason="other systems' pseudo-terminals know no 1 Mbaud")
def test_a_terminal_is_locked_and_its_end_is_noticed():
    master, slave = os.openpty()
    name = os.ttyname(slave)
    port = ports.open_port(name, 1_000_000)
    serve(
        FakeBoard(lambda kind, payload: (Type.DATA, payload[::-1])),
        lambda: os.read(master, 4096),
        partial(os.write, master),
    )
    channel = Channel(port, name, 1_000_000)
    for size in (0, 1, 4096):
        data = random.Random(size).randbytes(size)
        assert channel.ask(Type.READ, data) == data[::-1]
    with pytest.raises(BoardError, match=rf"{name}: another program uses it; got process {os.getpid()}"):
        ports.open_port(name, 1_000_000)
    os.close(slave)
    port.close()
    with pytest.raises(BoardError, match="the connection broke"):
        channel.ask(Type.READ)
    os.close(master)


def test_a_socket_and_a_loop(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = ports.open_port(f"socket://127.0.0.1:{server.getsockname()[1]}", 1_000_000)
        other, _ = server.accept()
        serve(FakeBoard(lambda kind, payload: (Type.DATA, payload[::-1])), lambda: other.recv(4096), other.sendall)
        assert Channel(port, "tcp", 1_000_000).ask(Type.READ, b"abc" * 900) == b"cba" * 900
        port.close()
        other.close()
    monkeypatch.setattr(protocol, "PATIENCE", 0.02)
    with pytest.raises(BoardError, match="loop:// answers junk"):
        Channel(ports.open_port("loop://", 1_000_000), "loop://", 1_000_000_000).ask(Type.HELLO)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    deployment = agilenn(tmp_path_factory.mktemp("agilenn"))
    return deployment, program.build(deployment, 216_000_000)


def test_faults_between_host_and_firmware(built):
    deployment, build = built
    logits = np.arange(-5, 5, dtype="<i2") * 900
    rng = np.random.default_rng(5)
    faults = 0
    for seed in range(8):
        port = FaultyPort(ports.open_port(f"emu://stm32f746?elf={build.elf}", 1_000_000), 0.1, seed)
        with Device(port, "emulated, noisy", build) as device:
            frame = rng.integers(0, 256, deployment.frame, np.uint8)
            trace = device.infer(frame, lambda payload: logits.tobytes())
        twin = stages.simulate(deployment, frame, lambda payload: logits.tobytes())
        assert trace.payload == twin["payload"].tobytes() and np.array_equal(trace.scores, twin["scores"])
        faults += port.faults
    assert faults > 12


def test_the_firmware_checks_every_command(built):
    """Lengths, ranges and order; and the same question twice gives the same answer without a second run."""
    deployment, build = built
    frame = bytes(deployment.frame[0] * deployment.frame[1] * deployment.frame[2])
    with Device.open("emu://stm32f746", build) as device:
        ask = device.channel.ask
        bad = [
            (Type.LOAD, b"\0\0\0\0", "length"),
            (Type.LOAD, b"\0\0\0\0" + frame[:1] * 4000, "range"),
            (Type.LOAD, b"\x01\0\0\0\xaa", "range"),
            (Type.LOAD, b"\xff\xff\xff\xff\xaa", "range"),
            (Type.RUN, b"", "state"),
            (Type.RESUME, b"", "state"),
            (Type.REPLY, bytes(24), "state"),
            (Type.READ, bytes(12), "state"),
            (Type.READ, bytes(5), "length"),
            (Type.READ, b"\x63\0\0\0" + bytes(8), "range"),
        ]
        for kind, payload, word in bad:
            with pytest.raises(BoardError, match=word):
                ask(kind, payload)
        device._upload(Type.LOAD, frame)
        first = ask(Type.RUN)
        channel = device.channel
        channel.port.write(encode(Type.RUN, channel.sequence, b""))
        assert channel._frame(1e18) == (Type.STATUS, channel.sequence, first)
        for payload in (b"\x01\0\0\0" + bytes(4) + b"\xff\xff\xff\xff", b"\x01\0\0\0\xff\xff\xff\xff" + bytes(4)):
            with pytest.raises(BoardError, match="range"):
                ask(Type.READ, payload)
        with pytest.raises(BoardError, match="state"):
            ask(Type.RESUME)  # no reply yet
        with pytest.raises(BoardError, match="range"):
            ask(Type.REPLY, bytes(4) + bytes(21))
        device._upload(Type.LOAD, frame)
        with pytest.raises(BoardError, match="state"):
            device.read("scores")  # the frame may lie where results lay
        with pytest.raises(BoardError, match="range"):
            ask(Type.LOAD, b"\x01\0\0\0\xaa")  # chunks come in order


def test_a_frame_without_an_end_overwrites_nothing(built):
    deployment, build = built
    frame = np.full(deployment.frame, 77, np.uint8)
    with Device.open("emu://stm32f746", build) as device:
        before = device.infer(frame, lambda payload: bytes(20))
        for junk in (b"\xff" * 60_000, b"\x02\x01" * 9_000):
            device.channel.port.write(junk)
        after = device.infer(frame, lambda payload: bytes(20))
        assert np.array_equal(before.scores, after.scores) and before.cycles.keys() == after.cycles.keys()
        assert device._hello().build_id == build.build_id


@pytest.mark.parametrize(
    ("kind", "answer", "words"),
    [
        (Type.HELLO, bytes(3), "expected 64 bytes"),
        (Type.LOAD, b"", "answer to LOAD"),
        (Type.RUN, bytes(15), "answer to RUN"),
        (Type.RUN, bytes(16), "state=0"),
        (Type.RUN, struct.pack("<4I", 1, 0, 0xFFFFFFFF, 0), "payload_bytes=4294967295"),
        (Type.READ, b"[" * 4096, "description is damaged"),
        (Type.READ, b"7".ljust(4096), "description is damaged"),
    ],
)
def test_answers_that_no_firmware_of_ours_gives(built, kind, answer, words):
    deployment, build = built
    with Device.open("emu://stm32f746", build) as device:
        hello = bytearray(device.channel.ask(Type.HELLO))
        hello[32:36] = struct.pack("<I", 4096)  # bytes of the description

        def fake(asked, payload):
            if asked == kind:
                return ANSWERS[asked], answer
            if asked == Type.HELLO:
                return Type.INFO, bytes(hello)
            return Type.ACK, struct.pack("<I", int.from_bytes(payload[:4], "little") + len(payload) - 4)

        device.channel = Channel(FakeBoard(fake), "fake", 1_000_000)
        with pytest.raises(BoardError, match=words):
            if kind in (Type.HELLO, Type.READ):
                device._hello()
            device.infer(np.zeros(deployment.frame, np.uint8))


def test_wrong_firmware_is_refused_with_both_values(built, tmp_path):
    _, build = built
    other = program.build(agilenn(tmp_path), 64_000_000)
    assert other.build_id != build.build_id
    with pytest.raises(BoardError, match=f"expected {other.build_id}; got {build.build_id}"):
        Device.open(f"emu://stm32f746?elf={build.elf}", other)
    with Device.open("emu://stm32f746", other) as device:
        assert device.info.clock_hz == 64_000_000 and device.info.wait_states == 2
        with pytest.raises(BoardError, match="frame; expected 1728 bytes"):
            device.infer(b"123")
        device.info = device.info.__class__(**{**vars(device.info), "flags": frozenset({"prefetch"})})
        with pytest.raises(BoardError, match="instruction cache, data cache, ART, cycle counter off"):
            device._check()
        device.info = device.info.__class__(**{**vars(device.info), "clock_hz": 16_000_000, "clock_fault": 1})
        with pytest.raises(BoardError, match=r"expected 64,000,000 Hz; got 16,000,000 Hz \(no crystal\)"):
            device._check()
