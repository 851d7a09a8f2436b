"""One offloaded inference -> one Record: the image on the board, its payload over UDP to the server, the logits back.

Every image is also run through the Python twin of the device program: a firmware that differs in one byte is an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from bench import datasets
from bench.accuracy import load
from bench.boards.base import Trace
from bench.boards.device import Device
from bench.boards.emulator.timing.parameters import VERSION, calibration_of
from bench.boards.modem import Modem
from bench.boards.ports import is_emulated
from bench.client import LOOPBACK, RemoteServer
from bench.compile import program, stages
from bench.energy import model
from bench.energy.bracket import total
from bench.errors import BoardError
from bench.files import sha256
from bench.link import Link
from bench.method import Deployment, Label, Record


class Exchange:
    """The server, for the board and its twin: what the board sent, what came back, how long the server computed."""

    def __init__(self, server: RemoteServer) -> None:
        self.server = server
        self.clear()

    def clear(self) -> None:
        self.payload, self.reply, self.microseconds = b"", b"", 0

    def __call__(self, payload: bytes) -> bytes:
        """For the board: over UDP."""
        logits, self.microseconds = self.server.exchange(payload)
        self.payload, self.reply = payload, logits.astype("<i2").tobytes()
        return self.reply

    def note(self, payload: bytes, reply: bytes, microseconds: int) -> None:
        """What a board with a modem sent, and got back, on its own."""
        self.payload, self.reply, self.microseconds = payload, reply, microseconds

    def again(self, payload: bytes) -> bytes:
        """For the twin: the same reply to the same payload."""
        if payload != self.payload:
            raise BoardError("the firmware's payload is not that of its Python twin", **_first(payload, self.payload))
        return self.reply


def measure(
    *,
    dataset: str,
    images: str,
    deployment: str,
    n: int,
    clock_hz: int,
    board: str,
    compiler: str,
    folder: Path,
    data_dir: Path | None,
    modem: str = "",
    **_settings: object,
) -> dict[str, Any]:
    """n test images, chosen by seed, on a board: {"runs": one dict per image, "info": what the firmware says}.

    A run has image (its number in the test split), label, prediction, decided, cycles per stage, layer cycles,
    payload_up and payload_down (bytes), remote_us; with a modem ("HOST@BAUD": the board sends its payloads itself)
    also modem: its exchange. images, deployment: fingerprints that the cell is named by. Raises BoardError, naming
    image and buffer, where firmware and Python twin differ.
    """
    from tqdm import tqdm

    data, loaded = load(dataset, images, deployment, folder, data_dir)
    rows = np.sort(np.random.default_rng(datasets.SEED).permutation(len(data.y_test))[:n])
    build = program.build(loaded, clock_hz, compiler)
    frames = datasets.frames(data.x_test[rows], loaded.frame)
    runs, stack = [], 0
    settings = Modem.parse(modem) if modem and loaded.server else None
    with opened(loaded, build, board, settings) as (device, exchange):
        for row, frame in zip(tqdm(rows, unit="image", desc="board", disable=None, leave=False), frames, strict=True):
            if exchange:
                exchange.clear()
            trace = device.infer(frame.tobytes(), exchange)
            if trace.modem and exchange:
                exchange.note(trace.payload, trace.values[build.reply or ""].tobytes(), trace.modem.server_us)
            number = int(data.rows[row])
            check(loaded, frame, trace, exchange, f"{dataset}, {loaded.method}, test image {number}")
            stack = max(stack, trace.stack_high_water)
            runs.append(
                {
                    "image": number,
                    "label": int(data.y_test[row]),
                    "prediction": trace.prediction,
                    "decided": trace.decided,
                    "cycles": dict(trace.cycles),
                    "layers": dict(trace.layer_cycles),
                    "payload_up": len(trace.payload),
                    "payload_down": len(exchange.reply) if exchange else 0,
                    "remote_us": exchange.microseconds if exchange else 0,
                }
                | ({"modem": asdict(trace.modem) | {"baud": settings.baud}} if trace.modem and settings else {})
            )
        load(dataset, images, deployment, folder, data_dir)
        return {"runs": runs, "info": describe(device, build, stack)}


@contextmanager
def opened(
    deployment: Deployment, build: program.Build, board: str, modem: Modem | None
) -> Iterator[tuple[Device, Exchange | None]]:
    """The board with its firmware, and a server where it offloads. modem: through which the board then sends itself."""
    with ExitStack() as stack:
        host = modem.host if modem else LOOPBACK
        server = stack.enter_context(RemoteServer(deployment, host)) if deployment.server else None
        device = Device.open(board, build, bool(modem))
        stack.callback(device.close)
        if modem and server:
            device.use_modem(modem, *server.address)
        yield device, Exchange(server) if server else None


def check(deployment: Deployment, frame: np.ndarray, trace: Trace, exchange: Exchange | None, where: str) -> None:
    """Raises BoardError for the first result buffer in which the firmware differs from its Python twin."""
    try:
        twin = stages.simulate(deployment, frame, exchange.again if exchange else None)
    except BoardError as error:
        raise BoardError(f"{where}: {error.problem}", expected=error.expected, got=error.got) from None
    for name, got in trace.values.items():
        if name in twin and not np.array_equal(got.reshape(-1), twin[name].reshape(-1)):
            raise BoardError(
                f"{where}: the firmware's buffer {name!r} differs from that of its Python twin",
                **_first(twin[name].tobytes(), got.tobytes()),
                do="the firmware does not compute what the deployment says: report this",
            )
    missing = sorted(
        {"scores", *(stage.writes[0] for stage in deployment.stages if stage.op == "receive")} - {*trace.values}
    )
    decided = (
        "server" if any(stage.op == "receive" and stage.writes[0] in twin for stage in deployment.stages) else "device"
    )
    if (missing and decided == "server") or "scores" in missing:
        raise BoardError(f"{where}: the board gives no buffer {missing[0]!r} to compare", got=", ".join(trace.values))
    expected = (int(np.argmax(twin["scores"])), decided)
    if (trace.prediction, trace.decided) != expected:
        raise BoardError(f"{where}: prediction", expected=expected, got=(trace.prediction, trace.decided))


def describe(device: Device, build: program.Build, stack: int) -> dict[str, Any]:
    """What provenance should know of the firmware that ran."""
    info = device.info
    calibration = sha256(calibration_of(device.name))[:16]
    emulated = {"timing_model": VERSION, "calibration": calibration} if is_emulated(device.name) else {}
    return emulated | {
        "build": info.build_id,
        "compiler": info.program.get("compiler"),
        "flags": info.program.get("flags"),
        "clock_hz": info.clock_hz,
        "enabled": sorted(info.flags),
        "wait_states": info.wait_states,
        "flash_bytes": build.flash,
        "sram_bytes": build.sram,
        "stack_high_water": stack,
        "macs": build.macs,
    }


def record(
    run: Mapping[str, Any], deployment: Deployment, board: str, clock_hz: int, link: Link, provenance: str
) -> Record:
    """A run of `measure` with its times: cycles at the clock, bytes on the link, the server's own time."""
    parts = {stages.label(stage): stages.kinds(deployment)[stage.op].part for stage in deployment.stages}
    cycles = run["cycles"]
    compress = sum(count for stage, count in cycles.items() if parts.get(stage) == "compress")
    sent = run["payload_up"] > 0
    network, serial = link.milliseconds(run["payload_up"], run["payload_down"]) if sent else 0.0, 0.0
    over_the_air: Label = "modelled"
    if modem := run.get("modem"):
        waited = (modem["up_cycles"] + modem["down_cycles"]) * 1e3 / clock_hz
        if is_emulated(board):  # virtual time stands still while the air and the server are busy
            network, serial = network + waited, waited
        else:
            network, over_the_air = waited - run["remote_us"] / 1e3, "measured"
            serial = (modem["up_bytes"] + modem["down_bytes"]) * 1e4 / modem["baud"]
    device: Label = "emulated" if is_emulated(board) else "measured"
    energy = model.inference(
        compute_ms=sum(cycles.values()) * 1e3 / clock_hz,
        remote_ms=run["remote_us"] / 1e3,
        up=run["payload_up"],
        down=run["payload_down"],
        link=link,
        offloads=deployment.server is not None,
        clock_hz=clock_hz,
        serial_ms=serial if modem else None,
    )
    return Record(
        dataset=deployment.dataset,
        method=deployment.method,
        protocol=deployment.protocol,
        image=run["image"],
        label=run["label"],
        prediction=run["prediction"],
        decided=run["decided"],
        cycles=cycles,
        clock_hz=clock_hz,
        payload_up=run["payload_up"],
        payload_down=run["payload_down"],
        local_ms=(sum(cycles.values()) - compress) * 1e3 / clock_hz,
        compress_ms=compress * 1e3 / clock_hz,
        network_ms=network,
        remote_ms=run["remote_us"] / 1e3,
        energy_mj=total(energy.values()).typical,
        label_device=device,
        label_network=over_the_air,
        label_remote="measured",
        provenance=provenance,
        serial_ms=serial,
    )


def _first(expected: bytes, got: bytes) -> dict[str, str]:
    """Where two byte strings part."""
    place = next(
        (i for i, (a, b) in enumerate(zip(expected, got, strict=False)) if a != b), min(len(expected), len(got))
    )
    return {
        "expected": f"{len(expected)} bytes, at {place}: {expected[place : place + 8].hex(' ')}",
        "got": f"{len(got)} bytes, there: {got[place : place + 8].hex(' ')}",
    }
