"""Frames and the stop-and-wait protocol: round trips, and a line that loses, flips, doubles and invents bytes."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import sys
import threading
import time
import zlib
from functools import partial

import pytest
from fake_port import FakeBoard, FaultyPort
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.boards import ports, protocol
from bench.boards.protocol import Channel, Type, cobs, decode, encode, uncobs
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
    silent = str(spoken_to(lambda raw: b"").value)
    assert "silent" in silent and "./reproduce.sh board flash" in silent
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
    for url in ("socket://host", "socket://", "socket://host:0", "rfc2217://host:70000", "socket://:7", "socket://h:x"):
        with pytest.raises(BoardError, match=r"expected (socket|rfc2217)://HOST:PORT"):
            ports.open_port(url, 1_000_000)
    assert ports.sound("socket://[::1]:7/?logging=debug")
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
