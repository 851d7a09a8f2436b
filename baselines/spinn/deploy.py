"""A trained network -> int8 files up to the chosen split, the server's file behind it, and what joins them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from baselines.spinn import profiler, schedule
from baselines.spinn.method import SPLITS
from baselines.spinn.network import Progressive
from baselines.spinn.schedule import Choice, Split
from baselines.spinn.symbols import Symbols, linear, lloyd
from baselines.spinn.training import Trained
from bench import offload
from bench.codec import coder
from bench.method import Deployment, Server, Stage
from bench.training import export
from bench.training.backend import keras
from bench.training.task import Task

CODERS = {"paper": ("lz4", 8), "strong": ("context", 4)}  # by protocol: coder and bits per symbol
CODED = 100  # calibration maps whose coded size the profile holds
# What the scheduler assumes when a deployment is made: the paper's clock and rate, headers both ways, a quick server.
CLOCK_HZ, RATE_BPS, HEADERS, SERVER_MS = 216e6, 6e6, 200, 1.0
PER_SYMBOL = 35  # cycles to quantize and code one, on the emulated board


@dataclass(frozen=True)
class Cut:
    """The network cut behind an exit. maps: int8 calibration maps (N, H, W, C) there; coder, bits: of the symbols."""

    maps: np.ndarray
    symbols: Symbols
    coder: str
    bits: int

    @cached_property
    def sent(self) -> np.ndarray:
        """Symbols (N, H, W, C) of the maps."""
        return np.array(self.symbols.table, np.uint8)[self.maps.astype(int) + 128]

    @cached_property
    def tables(self) -> list[int]:
        """Of the context coder; empty for another one."""
        return offload.tables_for(self.coder, self.sent, self.bits)

    @cached_property
    def payload(self) -> float:
        """Mean bytes of a coded map."""
        images = np.ascontiguousarray(np.moveaxis(self.sent[:CODED], -1, 1))
        encode = coder(self.coder, self.tables).encode
        return float(np.mean([len(encode(image, self.bits)) for image in images]))


def deploy(task: Task, trained: Trained, name: str, number: int | None) -> Deployment:
    """Exports, profiles, lets the scheduler choose (number: only that split), saves the deployment."""
    request, out, network = task.request, task.request.out, trained.network
    out.mkdir(parents=True, exist_ok=True)
    cuts = cut(task, network, SPLITS)
    seen = profiler.look(network, [c.symbols for c in cuts], *task.validation())
    splits = [describe(network, i, c, seen) for i, c in enumerate(cuts)]
    whole = max(split.points[-1].accuracy for split in splits)
    choice = schedule.choose(splits, whole - schedule.LOSS, CLOCK_HZ, network_ms, SERVER_MS, number)
    stages = program(task, network, cuts[: choice.split.number], choice)
    chosen = cuts[choice.split.number - 1]
    server = serve(task, network, chosen, choice.split)
    training = {
        **trained.record,
        "validation": {
            "accuracy": choice.point.accuracy,
            "accuracy_without_exits": whole,
            "left_on_the_device": round(100 * sum(choice.point.left), 2),
            "images": len(seen.labels),
        },
        "split": choice.split.number,
        "threshold": choice.point.threshold,
        "profile": {"accuracy": whole, "splits": [dataclasses.asdict(split) for split in splits]},
    }
    deployment = Deployment(
        name, request.dataset, request.protocol, task.frame, task.classes, stages, server, training, out
    )
    deployment.save()
    for file in (*out.glob("map*.tflite"), *out.glob("exit*.tflite")):
        if file.name not in deployment.files():
            file.unlink()
    return deployment


def network_ms(payload: float) -> float:
    """Time on the link that the scheduler assumes."""
    return (payload + HEADERS) * 8e3 / RATE_BPS


def map_file(task: Task, i: int) -> Path:
    """The device's network from the map of exit i - 1, or the frame, to that of exit i (counted from 0)."""
    return task.request.out / f"map{i + 1}.tflite"


def real(maps: np.ndarray, path: Path) -> np.ndarray:
    """float32 values of a file's int8 output."""
    scale, zero = export.quantization(path)[1]
    return np.float32(scale) * (maps.astype(np.float32) - zero)


def cut(task: Task, network: Progressive, splits: int) -> list[Cut]:
    """The network cut behind each of its first exits; writes the device's files up to there."""
    frames = task.calibration(export.CALIBRATION)[0]
    name, bits = CODERS[task.request.protocol]
    cuts: list[Cut] = []
    given = export.as_int8(frames)
    for i in range(splits):
        path = map_file(task, i)
        if i == 0:
            export.frame_network(network.segment(0), frames, path)
        else:
            before = map_file(task, i - 1)
            export.chained(network.segment(i), real(given, before), before, path)
        given = export.run(path, given)
        scale, zero = export.quantization(path)[1]
        symbols = linear(scale, zero) if bits == 8 else lloyd(given, bits, scale, zero)
        cuts.append(Cut(given, symbols, name, bits))
    return cuts


def describe(network: Progressive, i: int, cut: Cut, seen: profiler.Seen) -> Split:
    """What the scheduler must know of the split behind exit i."""
    spent = [profiler.cycles(network.segment(j)) + profiler.cycles(network.classifier(j)) for j in range(i + 1)]
    height, width, channels = cut.maps.shape[1:]
    return Split(
        number=i + 1, shape=(height, width, channels), cycles=tuple(np.cumsum(spent).tolist()),
        code_cycles=PER_SYMBOL * height * width * channels, payload=round(cut.payload, 1), points=seen.points(i),
    )  # fmt: skip


def program(task: Task, network: Progressive, cuts: list[Cut], choice: Choice) -> tuple[Stage, ...]:
    """The device stages up to the chosen split; writes the files of the exits on the way."""
    stages: list[Stage] = []
    for i, passed in enumerate(cuts):
        path, leave = map_file(task, i), task.request.out / f"exit{i + 1}.tflite"
        export.chained(network.classifier(i), real(passed.maps, path), path, leave)
        source, here, chances = f"map{i}" if i else "frame", f"map{i + 1}", f"chances{i + 1}"
        stages += [
            Stage("net", (source,), (here,), {"model": path.name}),
            Stage("net", (here,), (chances,), {"model": leave.name}),
            Stage("exit_if", (chances,), ("scores",), {"threshold": choice.point.threshold}),
        ]
    last = cuts[-1]
    exits = tuple(f"chances{i + 1}" for i in range(len(cuts)))
    return (
        *stages,
        Stage("quantize", (f"map{len(cuts)}",), ("symbols",), {"first": 0, "table": list(last.symbols.table)}),
        *offload.exchange("symbols", last.coder, last.bits, last.tables),
        Stage("best_so_far", ("remote", *exits), ("scores",)),
    )


def serve(task: Task, network: Progressive, cut: Cut, split: Split) -> Server:
    """Writes the rest of the network; its logits keep a factor of 2 above the largest of the calibration maps."""
    rest = network.rest(split.number - 1)
    export.server(rest, split.shape, task.request.out / "server.tflite")
    values = np.array(cut.symbols.values, np.float32)[cut.sent]
    logits = [rest(values[i : i + 64], training=False) for i in range(0, len(values), 64)]
    largest = max(float(np.abs(keras.ops.convert_to_numpy(part)).max()) for part in logits)
    return Server(
        model="server.tflite", shape=split.shape, values=cut.symbols.values, planar=True,
        logit_scale=offload.logit_scale(largest), coder=cut.coder, bits=cut.bits, tables=tuple(cut.tables),
    )  # fmt: skip
