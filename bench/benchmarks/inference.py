"""How long whole inferences take on this computer: upload, emulated board, UDP server, reply."""

from __future__ import annotations

import time

from bench import datasets
from bench.benchmarks import Row
from bench.boards.device import Device
from bench.client import RemoteServer
from bench.compile import program
from bench.figures.base import RESULTS
from bench.method import Deployment

IMAGES, CLOCK_HZ, BOARD = 100, 216_000_000, "emu://stm32f746"
METHODS = ("agilenn", "edge_only")


def measure() -> list[Row]:
    """Seconds for IMAGES CIFAR-10 test images per method (wall time, the firmware built before) and ms per image."""
    data = datasets.load("cifar10")
    rows: list[Row] = []
    for method in METHODS:
        deployment = Deployment.load(RESULTS / "models" / method / "cifar10-paper")
        frames = [frame.tobytes() for frame in datasets.frames(data.x_test[:IMAGES], deployment.frame)]
        build = program.build(deployment, CLOCK_HZ)
        with RemoteServer(deployment) as server:
            start = time.perf_counter()
            device = Device.open(BOARD, build)
            for frame in frames:
                device.infer(frame, lambda payload: server.exchange(payload)[0].astype("<i2").tobytes())
            seconds = time.perf_counter() - start
            device.close()
        rows += [(f"{method}_{IMAGES}_inferences", seconds, "s"), (f"{method}_inference", 10 * seconds, "ms")]
    return rows
