"""The context coder in a whole program: firmware against its Python twin, and the server behind it."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from deployments import agilenn
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.boards.device import Device
from bench.codec import coder, train_tables
from bench.compile import program, stages
from bench.errors import DataError
from bench.method import Deployment
from bench.server import Remote, Service, deployment_number
from bench.wire import Kind, Message, Reassembler, Reply, Status

FRAME = (33, 39, 3)  # 11x13 symbols: three blocks and a single one per line
GOLDEN = Deployment.load(Path(__file__).parent / "golden" / "server_tiny")


def altered(d: Deployment, op: str, **params: object) -> Deployment:
    """The deployment with other parameters of its stage `op`."""
    changed = (replace(s, params={**s.params, **params}) if s.op == op else s for s in d.stages)
    return replace(d, stages=tuple(changed))


def test_firmware_writes_the_bytes_of_its_twin(tmp_path):
    lively = [q % 8 if q % 8 > 3 else 0 for q in range(256)]
    plain = altered(agilenn(tmp_path, FRAME), "quantize", table=lively)
    frames = np.random.default_rng(3).integers(0, 256, (7, *FRAME), np.uint8)
    reply = np.arange(-5, 5, dtype="<i2").tobytes()
    maps = np.stack([stages.simulate(plain, frame, lambda _: reply)["symbols"] for frame in frames])
    d = altered(plain, "code", coder="context", tables=train_tables(np.moveaxis(maps[2:], 1, -1), 8))
    with Device.open("emu://stm32f746", program.build(d, 216_000_000)) as device:
        for frame in frames[:2]:
            trace = device.infer(frame, lambda _: reply)
            assert trace.payload == stages.simulate(d, frame, lambda _: reply)["payload"].tobytes()
            assert 100 < len(trace.payload) < maps[0].size * 3 // 8


@pytest.fixture(scope="module")
def remote() -> Remote:
    height, width, channels = GOLDEN.server.shape
    tables = train_tables(np.zeros((1, height, width, channels), np.uint8), 8)
    server = replace(GOLDEN.server, coder="context", tables=tuple(tables))
    return Remote(replace(GOLDEN, server=server), threads=1)


def test_the_server_decodes(remote):
    symbols = np.zeros((2, 4, 4), np.uint8)
    symbols[1, 2, 1] = 5
    payload = coder("context", remote.server.tables).encode(symbols, 3)
    assert remote.answer(payload).tolist() == [0, 10, -10]


def test_the_server_survives_any_bytes(remote):
    service = Service(remote, deployment_number(GOLDEN))

    @settings(max_examples=100, deadline=None)
    @given(st.binary(max_size=14))
    def feed(junk):
        request = Message(Kind.REQUEST, service.number, 1, junk).datagrams()
        (answer,) = (a for datagram in request for a in service.handle(datagram, "me", 0.0))
        message = Reassembler().add(answer, 0.0)
        assert Reply.unpack(message.payload).status in (Status.OK, Status.MALFORMED)

    feed()


def test_a_deployment_keeps_its_tables(tmp_path):
    d = dataclasses.replace(GOLDEN, folder=tmp_path)
    (tmp_path / "server.tflite").write_bytes((GOLDEN.folder / "server.tflite").read_bytes())
    tables = tuple(train_tables(np.zeros((1, 4, 4, 2), np.uint8), 8))
    replace(d, server=replace(d.server, coder="context", tables=tables)).save()
    loaded = Deployment.load(tmp_path)
    assert loaded.server.tables == tables and GOLDEN.server.tables == ()
    text = (tmp_path / "deployment.json").read_text()
    assert len(text.splitlines()) < 100
    (tmp_path / "deployment.json").write_text(text.replace('"tables": [', '"tables": ["three",'))
    with pytest.raises(DataError, match=r"server\.tables"):
        Deployment.load(tmp_path)
    with pytest.raises(DataError, match="context tables"):
        Remote(replace(d, server=replace(d.server, coder="context", tables=(3, 2, 1))))
