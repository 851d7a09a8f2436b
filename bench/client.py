"""The device's gateway to the remote side: a message out, its reply back over UDP; and the server process."""

from __future__ import annotations

import select
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType

import numpy as np

from bench.errors import ServerError
from bench.method import Deployment
from bench.provenance import ROOT
from bench.server import deployment_number
from bench.wire import Kind, Message, Reassembler, Reply, Status

LOOPBACK = "127.0.0.1"
TIMEOUT_S = 1.0  # of one try
TRIES = 5
START_S = 120.0  # loading a network and warming up on a busy computer


class Client:
    """Asks the server of one deployment at host:port."""

    def __init__(self, port: int, deployment: Deployment, timeout: float = TIMEOUT_S, host: str = LOOPBACK) -> None:
        self.port, self.timeout, self.classes = port, timeout, deployment.classes
        self.number = deployment_number(deployment)
        self.sequence = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect((host, port))

    def exchange(self, payload: bytes) -> tuple[np.ndarray, int]:
        """int16 logits [classes] and the server's own computing time in microseconds.

        Asks again, with the same sequence number, when no reply comes in time. Raises ServerError if none ever does, if
        no process listens on the port, or if the server refuses the payload.
        """
        self.sequence = (self.sequence + 1) & 0xFFFFFFFF
        datagrams = Message(Kind.REQUEST, self.number, self.sequence, payload).datagrams()
        for _ in range(TRIES):
            try:
                for datagram in datagrams:
                    self._socket.send(datagram)
                reply = self._wait()
            except ConnectionRefusedError:
                raise ServerError(f"no server at UDP port {self.port}", do="start it again") from None
            if reply is not None:
                return self._check(reply)
        waited = f"{TRIES} tries of {self.timeout:g} s"
        raise ServerError(
            f"the server at UDP port {self.port} does not answer", expected="a reply", got=f"none in {waited}"
        )

    def close(self) -> None:
        self._socket.close()

    def _wait(self) -> Reply | None:
        """The reply to the message under way; None when its time is up. Anything else that arrives is dropped."""
        reassembler = Reassembler()
        deadline = time.monotonic() + self.timeout
        while (left := deadline - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                message = reassembler.add(self._socket.recv(65535), time.monotonic())
            except TimeoutError:
                return None
            if message and (message.kind, message.deployment, message.sequence) == (
                Kind.REPLY,
                self.number,
                self.sequence,
            ):
                return Reply.unpack(message.payload)
        return None

    def _check(self, reply: Reply) -> tuple[np.ndarray, int]:
        if reply.status != Status.OK:
            raise ServerError("the server refused a payload", expected="status OK", got=f"status {reply.status.name}")
        if reply.logits.size != self.classes:
            raise ServerError(
                "the server's reply is of another network", expected=f"{self.classes} logits", got=reply.logits.size
            )
        return reply.logits, reply.elapsed_us


class RemoteServer:
    """The server as a process of its own: `with RemoteServer(deployment) as server: server.exchange(payload)`.

    host: the address of this computer that it listens at.
    """

    def __init__(self, deployment: Deployment, host: str = LOOPBACK) -> None:
        self.deployment, self.host = deployment, host

    def __enter__(self) -> RemoteServer:
        """Returns when the server has warmed up. Raises ServerError with its last line if it does not start."""
        command = [
            sys.executable,
            "-m",
            "bench.server",
            str(Path(self.deployment.folder).absolute()),
            "--host",
            self.host,
        ]
        self._errors = tempfile.TemporaryFile()
        self.process = (
            subprocess.Popen(  # its own session: Ctrl-C reaches us, and it ends when its standard input closes
                command,
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                start_new_session=True,
            )
        )
        assert self.process.stdout is not None
        ready, _, _ = select.select([self.process.stdout], [], [], START_S)
        line = self.process.stdout.readline().strip() if ready else b""
        if not line.isdigit():
            self.__exit__(None, None, None)
            raise ServerError("the server did not start", got=self._last_line() or "no answer")
        self._client = Client(int(line), self.deployment, host=self.host)
        return self

    @property
    def address(self) -> tuple[int, int]:
        """UDP port, and the number that names the deployment on the wire."""
        return self._client.port, self._client.number

    def exchange(self, payload: bytes) -> tuple[np.ndarray, int]:
        """As Client.exchange; says so if the process has died."""
        try:
            return self._client.exchange(payload)
        except ServerError as error:
            try:
                self.process.wait(1)
            except subprocess.TimeoutExpired:
                raise error from None
            got = f"exit code {self.process.returncode}; {self._last_line()}"
            raise ServerError(
                "the server process ended", expected="a reply", got=got, do="run the same command again"
            ) from None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if hasattr(self, "_client"):
            self._client.close()
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def _last_line(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return lines[-1].removeprefix("error: ") if lines else ""
