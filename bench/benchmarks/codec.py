"""Which coder gets a stream to the server soonest? Bytes, emulated cycles, milliseconds of coding plus air per link.

Streams are what the committed deployments send: AgileNN's symbols and the camera's frames. zlib and lzma (both at their
hardest, a byte per symbol) and the entropy under the context coder's tables have no code on the device: bytes only.
Coders that lose something are not compared here: fig_compression does.
"""

from __future__ import annotations

import csv
import io
import lzma
import math
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from bench import datasets, files
from bench.boards.device import Device
from bench.boards.emulator.timing.parameters import VERSION
from bench.codec import CODERS, coder, lossless, train_tables
from bench.codec.context import events
from bench.codec.tables import MOST_BITS, TOTAL, Tables
from bench.compile import program, stages
from bench.errors import BoardError
from bench.figures.base import RESULTS
from bench.link import Link, parse_rate
from bench.method import Deployment, Stage, deployment_folder

CLOCK_HZ, BOARD = 216_000_000, "emu://stm32f746"
STREAMS = (
    ("agilenn", "cifar10", "paper"),
    ("agilenn", "digits", "paper"),
    ("edge_only", "cifar10", "paper"),
    ("edge_only", "cifar10", "strong"),
)
RATES = ("270kbps", "2Mbps", "6Mbps")
IMAGES, TRAIN = 40, 500  # test images coded; images whose symbols the tables are trained on, at most
TIMES = tuple(f"ms_{rate}" for rate in RATES)
COLUMNS = ("stream", "coder", "images", "tables", "bytes", "cycles_per_symbol", *TIMES, "wins_at", "model_version")
PEERS: Mapping[str, Callable[[bytes], bytes]] = {
    "zlib": lambda data: zlib.compress(data, 9),
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE, preset=9 | lzma.PRESET_EXTREME),
}


@dataclass(frozen=True)
class Row:
    """One coder on one stream. sizes: payload bytes of each image; symbols: in an image; tables: what the coder's were
    trained on; cycles: mean per image, None for a coder that the device does not have.
    """

    stream: str
    coder: str
    sizes: tuple[int, ...]
    symbols: int
    tables: str = ""
    cycles: float | None = None

    def ms(self, rate: str) -> float:
        """Coding, then sending; infinite for a coder that the device does not have."""
        if self.cycles is None:
            return math.inf
        link = Link(parse_rate(rate))
        air = sum(map(link.air_bytes, self.sizes)) / len(self.sizes)
        return self.cycles * 1e3 / CLOCK_HZ + air * 8e3 / link.rate_bps

    def cells(self, wins: list[str]) -> list[object]:
        """In the order of COLUMNS."""
        cells: list[object] = [self.stream, self.coder, len(self.sizes), self.tables, f"{np.mean(self.sizes):.1f}"]
        if self.cycles is None:
            return cells + [""] * (len(COLUMNS) - len(cells))
        ms = [f"{self.ms(rate):.3f}" for rate in RATES]
        return [*cells, f"{self.cycles / self.symbols:.2f}", *ms, " ".join(wins), VERSION]


def run(out: Path) -> str:
    """Writes out/codec.csv; returns it and a line per stream and link."""
    text, said = io.StringIO(), list[str]()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for names in STREAMS:
        rows = measure(*names)
        best = {rate: min(rows, key=partial(Row.ms, rate=rate)) for rate in RATES}
        writer.writerows(row.cells([rate for rate in RATES if best[rate] is row]) for row in rows)
        said += [f"{row.stream} at {rate}: {row.coder} wins with {row.ms(rate):.2f} ms" for rate, row in best.items()]
    files.replace(out / "codec.csv", text.getvalue())
    return text.getvalue() + "\n".join(["", *said, ""])


def measure(method: str, dataset: str, protocol: str) -> list[Row]:
    """All coders that can code one deployment's stream. Raises BoardError where firmware and Python twin differ."""
    deployment = Deployment.load(deployment_folder(RESULTS, method, dataset, protocol))
    data = datasets.load(dataset)
    order = np.random.default_rng(datasets.SEED).permutation(len(data.y_test))
    frames = datasets.frames(data.x_test[np.sort(order[:IMAGES])], deployment.frame)
    code = stages.first(deployment, "code")
    bits = int(str(code.params["bits"]))
    maps = [symbols(deployment, frame) for frame in frames]
    row = partial(Row, f"{method}/{dataset}-{protocol}", symbols=maps[0].size)
    rows = list[Row]()
    for name in CODERS:
        if (bits > MOST_BITS if name == "context" else bits < 8 and name == "lossless") or name == "jpeg":
            continue
        trained = name in ("context", "lossless")
        integers, origin = tables(name, deployment, code, data, order[IMAGES:]) if trained else ([], "")
        sizes = tuple(len(coder(name, integers).encode(map_, bits)) for map_ in maps)
        params = {"coder": name, "bits": bits} | ({"tables": integers} if integers else {})
        rows.append(row(name, sizes, tables=origin, cycles=emulate(deployment, params, frames, sizes)))
        if name == "context":
            model = Tables.read(integers)
            rows.append(row("context_entropy", tuple(entropy(model, map_) for map_ in maps), tables=origin))
    return rows + [row(name, tuple(len(peer(m.tobytes())) for m in maps)) for name, peer in PEERS.items()]


def entropy(model: Tables, map_: np.ndarray) -> int:
    """Bytes that no coder can beat with this model, rounded up."""
    shares = np.array(events(model, map_)[1]) / TOTAL
    return math.ceil(-np.log2(shares).sum() / 8)


def symbols(deployment: Deployment, frame: np.ndarray) -> np.ndarray:
    """What the deployment codes of a frame."""
    known, values = stages.kinds(deployment), {"frame": frame}
    for stage in deployment.stages:
        if stage.op == "code":
            return values[stage.reads[0]]
        known[stage.op].run(stage, values, deployment.folder)
    raise AssertionError("measure has found a code stage")


def tables(
    name: str, deployment: Deployment, code: Stage, data: datasets.Dataset, spare: np.ndarray
) -> tuple[list[int], str]:
    """The deployment's own tables, or some trained on training images, or on the test images `spare` where there are
    no others (the embedded sample); and which of these.
    """
    if isinstance(own := code.params.get("tables"), list) and code.params["coder"] == name:
        return own, "the deployment's"
    images, origin = data.x_test[spare[:TRAIN]], "other test images"
    if data.counts["train"]:
        images, origin = data.x_train[:TRAIN], "training images"
    maps = [symbols(deployment, frame) for frame in datasets.frames(images, deployment.frame)]
    if name == "lossless":
        return lossless.train(np.stack(maps)), f"{len(maps)} {origin}"
    levels = 1 << int(str(code.params["bits"]))
    return train_tables(np.moveaxis(np.stack(maps), 1, -1), levels), f"{len(maps)} {origin}"


def emulate(deployment: Deployment, params: dict[str, Any], frames: np.ndarray, sizes: tuple[int, ...]) -> float:
    """Mean cycles of the code stage on the emulated board, with these parameters."""
    changed = tuple(replace(s, params=params) if s.op == "code" else s for s in deployment.stages)
    label = next(stages.label(stage) for stage in changed if stage.op == "code")
    build, cycles = program.build(replace(deployment, stages=changed), CLOCK_HZ), list[int]()
    with Device.open(BOARD, build) as device:
        for frame, size in zip(frames, sizes, strict=True):
            trace = device.infer(frame, lambda payload: bytes(2 * deployment.classes))
            if len(trace.payload) != size:
                raise BoardError(f"{label}: payload", expected=f"{size} bytes", got=f"{len(trace.payload)} bytes")
            cycles.append(trace.cycles[label])
    return float(np.mean(cycles))
