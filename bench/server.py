"""The remote side, a process behind UDP on loopback: payload -> symbols -> float32 network -> int16 logits.

`python -m bench.server DEPLOYMENT_DIR [--host H] [--port P]` prints its port, answers until its standard input closes,
and so never outlives the program that started it. Hostile or damaged datagrams are dropped (a client then asks again)
or answered with an error status; no input ends the server. Its own compute time, of a second computation right after a
first, travels in each reply: a server of its own would be warm, this one has just shared its caches with an emulator.
"""

from __future__ import annotations

import argparse
import errno
import os
import socket
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from bench.codec import coder
from bench.errors import BenchError, DataError, ServerError
from bench.method import Deployment, Server
from bench.provenance import deployment_hash
from bench.wire import Kind, Message, Reassembler, Reply, Status

THREADS = 2  # of the float32 network
WARM_UP = 10  # inferences before the port is printed
REMEMBERED = 64  # replies kept for clients that ask again


class Remote:
    """A deployment's server model, in this process. LiteRT with its default XNNPACK delegate."""

    def __init__(self, deployment: Deployment, threads: int = THREADS) -> None:
        """Raises DataError for a method without a server or a model file that is damaged or of another shape."""
        from ai_edge_litert.interpreter import Interpreter

        if deployment.server is None:
            raise DataError(
                f"{deployment.method} runs on the device alone", expected="a deployment with a server network"
            )
        self.server: Server = deployment.server
        self.classes = deployment.classes
        path = deployment.folder / self.server.model
        try:
            with _silence():
                self._network = Interpreter(str(path), num_threads=threads)
                self._network.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise DataError(
                f"{path}: not a whole .tflite file ({str(error).splitlines()[0]})", do="train it again"
            ) from None
        self._input, self._output = self._network.get_input_details()[0], self._network.get_output_details()[0]
        shapes = (tuple(self._input["shape"][1:]), int(self._output["shape"][-1]))
        if shapes != (self.server.shape, self.classes):
            raise DataError(f"{path}: wrong shapes", expected=(self.server.shape, self.classes), got=shapes)
        self._values = np.array(self.server.values, np.float32)
        self._coder = coder(self.server.coder, self.server.tables)
        height, width, channels = self.server.shape
        self._sent = (channels, height, width) if self.server.planar else self.server.shape

    def answer(self, payload: bytes) -> np.ndarray:
        """int16 logits [classes] for a coded payload. Raises DataError for one that is not well formed."""
        return self.logits(self._coder.decode(payload, self.server.bits, self._sent))

    def reply(self, payload: bytes) -> bytes:
        """As `answer`; int16, little-endian."""
        return self.answer(payload).astype("<i2").tobytes()

    def logits(self, symbols: np.ndarray) -> np.ndarray:
        """int16 logits [classes] for uint8 symbols in the order of transmission, each below len(server.values)."""
        height, width, channels = self.server.shape
        if symbols.max(initial=0) >= len(self._values):
            raise DataError("a symbol without a value", expected=f"below {len(self._values)}", got=int(symbols.max()))
        reals = self._values[symbols.reshape(-1)]
        if self.server.planar:
            reals = reals.reshape(channels, height, width).transpose(1, 2, 0)
        self._network.set_tensor(self._input["index"], np.ascontiguousarray(reals.reshape(1, height, width, channels)))
        self._network.invoke()
        scaled = np.rint(self._network.get_tensor(self._output["index"])[0] / self.server.logit_scale)
        return np.clip(np.nan_to_num(scaled), -32767, 32767).astype(np.int16)


class Service:
    """Datagrams in, datagrams out, for one deployment; knows no socket, so that tests can feed it anything."""

    def __init__(self, remote: Remote, number: int, rehearse: bool = True) -> None:
        """rehearse: computes once before the computation that is timed."""
        self.remote, self.number, self.rehearse = remote, number, rehearse
        self._reassembler = Reassembler(max_payload=1 << 20)
        self._replies: OrderedDict[tuple[object, int, int, int], list[bytes]] = OrderedDict()

    def handle(self, datagram: bytes, sender: object, now: float) -> list[bytes]:
        """The datagrams to send back: none for junk or for a message that is not whole yet.

        A message that comes again (its reply was lost) gets the same reply, and nothing is computed twice.
        """
        message = self._reassembler.add(datagram, now, str(sender))
        if message is None or message.kind != Kind.REQUEST:
            return []
        key = (sender, message.deployment, message.sequence, hash(message.payload))
        if key not in self._replies:
            payload = self._reply(message).pack()
            self._replies[key] = Message(Kind.REPLY, message.deployment, message.sequence, payload).datagrams()
            while len(self._replies) > REMEMBERED:
                self._replies.popitem(last=False)
        return self._replies[key]

    def _reply(self, message: Message) -> Reply:
        nothing = np.zeros(0, np.int16)
        if message.deployment != self.number:
            return Reply(Status.UNKNOWN, 0, nothing)
        try:
            if self.rehearse:  # the emulated board shares this computer and its caches: warm up again
                self.remote.answer(message.payload)
            start = time.perf_counter()
            logits = self.remote.answer(message.payload)
            elapsed = time.perf_counter() - start
        except BenchError:
            return Reply(Status.MALFORMED, 0, nothing)
        except (ValueError, RuntimeError, MemoryError) as error:
            print(f"network failed: {error}", file=sys.stderr)
            return Reply(Status.FAILED, 0, nothing)
        return Reply(Status.OK, round(elapsed * 1e6), logits)


def deployment_number(deployment: Deployment) -> int:
    """The u32 that names a deployment on the wire: a server refuses requests for another one."""
    return int(deployment_hash(deployment)[:8], 16)


def main(arguments: list[str]) -> int:
    """Serves until standard input closes."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.server", description="serves a deployment's network over UDP"
    )
    parser.add_argument("deployment", type=Path, help="folder of deployment.json")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at (default loopback alone)")
    parser.add_argument("--port", type=int, default=0, help="UDP port (0: any free one)")
    args = parser.parse_args(arguments)
    try:
        deployment = Deployment.load(args.deployment)
        remote = Remote(deployment)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            try:
                udp.bind((args.host, args.port))
            except (OSError, OverflowError, UnicodeError) as error:
                raise _refused(args.host, args.port, error) from None
            for _ in range(WARM_UP):
                remote.logits(np.zeros(np.prod(remote.server.shape), np.uint8))
            threading.Thread(target=_end_with_parent, daemon=True).start()
            print(udp.getsockname()[1], flush=True)
            here = args.host.startswith("127.")  # elsewhere a device of its own waits, on the clock
            service = Service(remote, deployment_number(deployment), rehearse=here)
            while True:
                datagram, sender = udp.recvfrom(65535)
                for answer in service.handle(datagram, sender, time.monotonic()):
                    with suppress(OSError):  # a sender that nothing can be sent to
                        udp.sendto(answer, sender)
    except BenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 0


def _refused(host: str, port: int, error: Exception) -> ServerError:
    """Why nothing can listen there."""
    if isinstance(error, (socket.gaierror, UnicodeError)) or getattr(error, "errno", None) == errno.EADDRNOTAVAIL:
        what = "an address of this computer, which the modem can reach"
        return ServerError(f"the server cannot listen at {host} ({error})", expected=what, do="see --modem HOST")
    return ServerError(f"UDP port {port} of {host} cannot be used ({error})", do="choose another one")


@contextmanager
def _silence() -> Iterator[None]:
    """Keeps the runtime's greeting ("Created ... delegate") off the terminal; its errors come as exceptions."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "w") as nothing:
        os.dup2(nothing.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _end_with_parent() -> None:
    """Whoever started this process holds the other end of standard input: when it closes, nobody is left to serve."""
    while sys.stdin.buffer.read(4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
