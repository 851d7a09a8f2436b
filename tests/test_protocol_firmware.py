"""The protocol against the real firmware on the emulated board: faults on the line, bad commands, foreign answers."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from deployments import agilenn
from fake_port import FakeBoard, FaultyPort

from bench.boards import ports
from bench.boards.device import Device
from bench.boards.hello import greet
from bench.boards.protocol import ANSWERS, Channel, Type, encode
from bench.compile import program, stages
from bench.errors import BoardError


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
        assert greet(device.channel).build_id == build.build_id


@pytest.mark.parametrize(
    ("kind", "answer", "words"),
    [
        (Type.HELLO, bytes(3), "protocol version"),
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
                greet(device.channel)
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
