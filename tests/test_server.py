"""The remote side over real UDP, in a real process: right answers, hostile input, loss, death."""

import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import client as client_module
from bench.client import Client, RemoteServer
from bench.codec import coder
from bench.errors import DataError, ServerError
from bench.method import Deployment
from bench.provenance import ROOT
from bench.server import Remote, Service, deployment_number, main
from bench.wire import Kind, Message, Reply, Status

GOLDEN = Path(__file__).parent / "golden" / "server_tiny"
DEPLOYMENT = Deployment.load(GOLDEN)
SYMBOLS = np.arange(32, dtype=np.uint8) % 7  # planar 2x4x4; the values of symbols 0..6 are 0..6
LOGITS = [
    2 * int(SYMBOLS[:16].sum()),
    2 * int(SYMBOLS[16:].sum()),
    2 * (int(SYMBOLS[:16].sum()) - int(SYMBOLS[16:].sum())),
]


def payload(symbols=SYMBOLS):
    return coder("lzw").encode(symbols, 3)


def request(data, number=None, sequence=1):
    return Message(
        Kind.REQUEST, deployment_number(DEPLOYMENT) if number is None else number, sequence, data
    ).datagrams()


def reply_to(service, datagrams, now=0.0):
    answers = [answer for datagram in datagrams for answer in service.handle(datagram, "me", now)]
    assert len(answers) == 1
    from bench.wire import Reassembler

    message = Reassembler().add(answers[0], now)
    assert message is not None
    return Reply.unpack(message.payload)


@pytest.fixture(scope="module")
def remote():
    return Remote(DEPLOYMENT, threads=1)


@pytest.fixture(scope="module")
def server():
    with RemoteServer(DEPLOYMENT) as running:
        yield running


def test_golden_logits(remote):
    assert remote.answer(payload()).tolist() == LOGITS


def test_pixel_order_is_the_other_order(remote):
    other = Remote(replace(DEPLOYMENT, server=replace(DEPLOYMENT.server, planar=False)), threads=1)
    pixels = SYMBOLS.reshape(2, 4, 4).transpose(1, 2, 0)
    assert other.answer(payload(pixels)).tolist() == LOGITS


def test_logits_saturate(remote):
    small = Remote(replace(DEPLOYMENT, server=replace(DEPLOYMENT.server, logit_scale=1e-6)), threads=1)
    assert small.answer(payload(np.full(32, 7, np.uint8))).tolist() == [-32767, -32767, 0]


def test_a_real_process_answers_and_times_itself(server):
    logits, microseconds = server.exchange(payload())
    assert logits.dtype == np.int16 and logits.tolist() == LOGITS
    assert 0 < microseconds < 1_000_000


def test_the_service_survives_any_bytes(remote):
    service = Service(remote, deployment_number(DEPLOYMENT))

    @given(st.binary(max_size=200))
    def feed(junk):
        assert service.handle(junk, "me", 0.0) == []
        reply = reply_to(service, request(junk))
        assert reply.status in (Status.OK, Status.MALFORMED)

    feed()
    assert reply_to(service, request(payload())).logits.tolist() == LOGITS


def test_another_deployment_is_refused(remote):
    service = Service(remote, deployment_number(DEPLOYMENT))
    assert reply_to(service, request(payload())).status == Status.OK
    assert reply_to(service, request(payload(), number=7)).status == Status.UNKNOWN


def test_a_repeated_request_is_computed_once(remote, monkeypatch):
    service = Service(remote, deployment_number(DEPLOYMENT))
    first = reply_to(service, request(payload()))
    monkeypatch.setattr(remote, "answer", lambda data: pytest.fail("computed twice"))
    assert reply_to(service, request(payload())).elapsed_us == first.elapsed_us


def test_a_network_that_fails_is_a_status(remote, monkeypatch):
    def broken(data):
        raise RuntimeError("no memory")

    monkeypatch.setattr(remote, "answer", broken)
    assert reply_to(Service(remote, deployment_number(DEPLOYMENT)), request(payload())).status == Status.FAILED


def test_a_refused_payload_is_an_error_and_the_server_lives_on(server):
    with pytest.raises(ServerError, match="MALFORMED"):
        server.exchange(b"\xff" * 40)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        for junk in (b"", b"AB", b"\x00" * 2000, os.urandom(1400)):
            udp.sendto(junk, ("127.0.0.1", server._client.port))
    assert server.exchange(payload())[0].tolist() == LOGITS


def test_lost_datagrams_are_asked_for_again(server, monkeypatch):
    client = Client(server._client.port, DEPLOYMENT, timeout=0.1)
    send, sent = client._socket.send, []

    class Lossy:
        def send(self, data):
            sent.append(data)
            return len(data) if len(sent) < 3 else send(data)

        def __getattr__(self, name):
            return getattr(real, name)

    real = client._socket
    client._socket = Lossy()
    assert client.exchange(payload())[0].tolist() == LOGITS
    assert len(sent) == 3
    client.close()


@pytest.mark.parametrize("wrong", [{"sequence": 7}, {"deployment": 7}, {"kind": Kind.REQUEST}])
def test_a_reply_to_something_else_is_dropped(wrong):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        client = Client(udp.getsockname()[1], DEPLOYMENT, timeout=0.5)
        other = Reply(Status.OK, 1, np.array([9, 9, 9], np.int16)).pack()
        right = Reply(Status.OK, 1, np.array(LOGITS, np.int16)).pack()
        reply = Message(Kind.REPLY, client.number, client.sequence + 1, right)
        for message in (replace(reply, payload=other, **wrong), reply):
            udp.sendto(message.datagrams()[0], client._socket.getsockname())
        assert client.exchange(payload())[0].tolist() == LOGITS
        client.close()


def test_no_server_at_the_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        port = udp.getsockname()[1]
    with pytest.raises(ServerError, match="no server at UDP port"):
        Client(port, DEPLOYMENT, timeout=0.05).exchange(payload())


def test_a_silent_server(monkeypatch):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        with pytest.raises(ServerError, match="5 tries"):
            Client(udp.getsockname()[1], DEPLOYMENT, timeout=0.02).exchange(payload())


def test_a_server_that_dies_is_named(monkeypatch):
    monkeypatch.setattr(client_module, "TIMEOUT_S", 0.1)
    with RemoteServer(DEPLOYMENT) as running:
        running.process.kill()
        running.process.wait()
        with pytest.raises(ServerError, match="server process ended"):
            running.exchange(payload())


def test_the_server_ends_with_its_parent():
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.server", str(GOLDEN)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout.readline().strip().isdigit()
    process.stdin.close()
    assert process.wait(10) == 0
    process.stdout.close()


def test_a_port_in_use_or_impossible(capsys):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        for port in (udp.getsockname()[1], 70000):
            assert main([str(GOLDEN), "--port", str(port)]) == 2
            assert "cannot be used" in capsys.readouterr().err


def test_a_damaged_network_is_refused(tmp_path):
    (tmp_path / "deployment.json").write_bytes((GOLDEN / "deployment.json").read_bytes())
    (tmp_path / "server.tflite").write_bytes((GOLDEN / "server.tflite").read_bytes()[:700])
    deployment = Deployment.load(tmp_path)
    with pytest.raises(DataError):
        Remote(deployment)
    with pytest.raises(ServerError, match="did not start"), RemoteServer(deployment):
        pass


@pytest.mark.parametrize("host", ["192.0.2.1", "a..b"])
def test_a_host_that_is_not_this_computer_is_named_and_not_the_port(capsys, host):
    assert main([str(GOLDEN), "--host", host]) == 2
    error = capsys.readouterr().err
    assert f"cannot listen at {host}" in error and "an address of this computer" in error and "port" not in error
