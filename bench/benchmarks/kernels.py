"""How fast the compiled int8 kernels are: cycles per layer on the emulated board, beside published networks."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.benchmarks.networks.chain import Chain
from bench.benchmarks.networks.published import NETWORKS
from bench.boards.device import Device
from bench.boards.emulator.image import Image
from bench.boards.emulator.timing.parameters import ASSUMPTIONS, CALIBRATION, VERSION
from bench.compile import program
from bench.compile.layout import lay_out
from bench.compile.net import SCRATCH_PREFIX, Layer, Net
from bench.compile.net_stage import network
from bench.compile.planner import Buffer, plan
from bench.compile.stages import check, simulate
from bench.errors import BoardError
from bench.files import replace
from bench.method import Deployment, Stage

CLOCK_HZ = 216_000_000
COLUMNS = (
    "network",
    "layer",
    "assumption",
    "macs",
    "cycles",
    "cycles_per_mac",
    "region",
    "model_version",
    "calibration",
)
ITCM_END = 16 * 1024
MAIN = "features"  # the buffer that a network writes; its layers are called features/...


@dataclass(frozen=True)
class Published:
    """What others reach with the same network at 216 MHz on an STM32F746: ms, kB of SRAM and flash, with the source."""

    ms: float
    source: str
    sram_kb: float | None = None
    flash_kb: float | None = None


TINYENGINE = "TinyEngine, README of 2022-08"
PUBLISHED = {
    "resnet8": Published(61.57, "Bosch HALE, MLPerf Tiny 1.1, closed division"),
    "mobilenetv1_0.25": Published(34.08, "Plumerai, MLPerf Tiny 1.1, closed division"),
    "mcunet_in0": Published(62, TINYENGINE, 45, 837),
    "mcunet_in1": Published(135, TINYENGINE, 90, 720),
    "mcunet_in2": Published(681, TINYENGINE, 200, 827),
    "mcunet_in3": Published(819, TINYENGINE, 242, 835),
    "agilenn_extractor": Published(14.0, "AgileNN, Fig. 16, CIFAR-10, with the local network"),
}


NOTES = (
    "Random weights; emulated cycles at 216 MHz (miss penalties are not calibrated); zig, default placement.",
    "`kernels.csv` has every layer; *region* there: where its code lies / where its output lies.",
    "*tensors*: activations that live at the same time, which is what the published figure counts; *RAM*:",
    "everything, with the stack, 28 KiB of working memory in DTCM and the protocol's buffers. The published flash is",
    "with 1000 classes; in2 and in3 have 200 here, 128 kB of weights less.",
    "The extractor's published time includes its local network.",
)


@dataclass(frozen=True)
class Row:
    """One layer under one assumption. region: where its code lies and where its output lies."""

    network: str
    layer: str
    assumption: str
    macs: int
    cycles: int
    region: str

    def cells(self, calibration: str) -> tuple[object, ...]:
        per_mac = f"{self.cycles / self.macs:.3f}" if self.macs else ""
        return (
            self.network,
            self.layer,
            self.assumption,
            self.macs,
            self.cycles,
            per_mac,
            self.region,
            VERSION,
            calibration,
        )


@dataclass(frozen=True)
class Result:
    """The layers of one network; bytes at once of its tensors, of the program's RAM (stack included), of flash."""

    rows: list[Row]
    tensors: int
    ram: int
    flash: int


def run(out: Path) -> str:
    """Writes out/kernels.csv and out/kernels.md; returns the table of kernels.md."""
    with tempfile.TemporaryDirectory() as folder:
        results = {name: measure(name, Path(folder)) for name in NETWORKS}
    calibration = str(json.loads(CALIBRATION.read_text())["name"])
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(row.cells(calibration) for result in results.values() for row in result.rows)
    replace(out / "kernels.csv", text.getvalue())
    table = summary(results)
    replace(out / "kernels.md", table)
    return table


def measure(name: str, folder: Path) -> Result:
    """One network under every assumption, as it runs in a deployment. Raises BoardError if a result is not exact."""
    deployment = deploy(NETWORKS[name](), name, folder)
    build = program.build(deployment, CLOCK_HZ)
    net = network(deployment.stages[0], deployment.folder)
    frame = np.random.default_rng(1).integers(0, 256, deployment.frame).astype(np.uint8)
    twin = simulate(deployment, frame, None)
    regions, rows = regions_of(deployment, net, build.elf), list[Row]()
    for assumption in ASSUMPTIONS:
        device = Device.open(f"emu://stm32f746?assumption={assumption}", build)
        device.infer(frame)
        trace = device.infer(frame)
        device.close()
        if not np.array_equal(trace.scores, twin["scores"]):
            raise BoardError(f"{name}: wrong scores", expected=twin["scores"], got=trace.scores)
        for layer in net.layers:
            cycles = trace.layer_cycles[f"{net.prefix}/{layer.name}"]
            rows.append(Row(name, layer.name, assumption, layer.macs, cycles, regions[layer.name]))
    return Result(rows, tensor_bytes(net), build.sram, build.flash)


def tensor_bytes(net: Net) -> int:
    """Bytes of all activations that live at the same time, as the planner lays them out; no working memory."""
    live = net.live()
    names = [name for name in net.tensors if not name.startswith(SCRATCH_PREFIX)]
    return plan(Buffer(name, net.tensors[name].nbytes, *live[name]) for name in names)[1]


def regions_of(deployment: Deployment, net: Net, elf: Path) -> dict[str, str]:
    """Layer -> where its code lies / where its output lies."""
    nets = {i: network(s, deployment.folder) for i, s in enumerate(deployment.stages) if s.op == "net"}
    places = lay_out(deployment, check(deployment), nets).macros
    addresses = Image.load(elf).symbols.addresses

    def region(layer: Layer) -> str:
        code = "itcm" if addresses[f"{net.prefix}_{layer.name}"] < ITCM_END else "flash"
        place = places[f"t_{net.prefix}_{layer.writes[0]}"]
        return f"{code}/{'dtcm' if 'scratch' in place else 'sram'}"

    return {layer.name: region(layer) for layer in net.layers}


def deploy(chain: Chain, name: str, folder: Path) -> Deployment:
    """A program that runs the network on the frame; one that ends in a feature map gets a small head."""
    (folder / f"{name}.tflite").write_bytes(chain.bytes())
    stages = [Stage("net", ("frame",), (MAIN,), {"model": f"{name}.tflite"})]
    at = chain.at
    if len(at.shape) == 4:
        _, h, w, c = at.shape
        head = Chain((h, w, c), scale=at.scale, zero=at.zero).head(10)
        (folder / "head.tflite").write_bytes(head.bytes())
        stages.append(Stage("net", (MAIN,), ("chances",), {"model": "head.tflite"}))
        at = head.at
    stages.append(Stage("exit_if", stages[-1].writes, ("scores",), {"threshold": -128}))
    _, h, w, c = chain.first.shape
    return Deployment(name, "random", "paper", (h, w, c), at.shape[-1], tuple(stages), None, {}, folder)


def summary(results: dict[str, Result]) -> str:
    """Milliseconds per network and assumption beside the best published figure, as a Markdown table."""
    heads = [
        *(f"{a}, ms" for a in ASSUMPTIONS),
        "published, ms",
        "tensors, KiB",
        "published, KiB",
        "RAM, KiB",
        "flash, KiB",
        "published, KiB",
    ]
    lines = [f"| network | {' | '.join(heads)} | published by |", "|" + "---|" * (len(heads) + 2)]
    for name, result in results.items():
        best = PUBLISHED[name]
        cells = [f"{1000 * total(result.rows, a) / CLOCK_HZ:.2f}" for a in ASSUMPTIONS]
        cells += [f"{best.ms:g}", f"{result.tensors / 1024:.1f}", f"{best.sram_kb:g}" if best.sram_kb else ""]
        cells += [f"{result.ram / 1024:.1f}", f"{result.flash / 1024:.1f}"]
        cells += [f"{best.flash_kb:g}" if best.flash_kb else ""]
        lines.append(f"| {name} | {' | '.join(cells)} | {best.source} |")
    return "\n".join([*lines, "", *NOTES]) + "\n"


def total(rows: Iterable[Row], assumption: str) -> int:
    return sum(row.cycles for row in rows if row.assumption == assumption)
