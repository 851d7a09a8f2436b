"""How long whole inferences take on this computer: upload, emulated board, UDP server, reply."""

from __future__ import annotations

import time

from bench import datasets
from bench.benchmarks import Row
from bench.boards.device import Device
from bench.client import RemoteServer
from bench.compile import program
from bench.figures.base import RESULTS
from bench.method import Deployment, deployment_folder

IMAGES, CLOCK_HZ, BOARD = 100, 216_000_000, "emu://stm32f746"
METHODS = ("agilenn", "edge_only")


def measure() -> list[Row]:
    """Wall time of IMAGES CIFAR-10 test images per method, the firmware built before; mips: all instructions of the
    emulated board, upload included, over this process's CPU time (the server is another process).
    """
    data = datasets.load("cifar10")
    rows: list[Row] = []
    for method in METHODS:
        deployment = Deployment.load(deployment_folder(RESULTS, method, "cifar10", "paper"))
        frames = [frame.tobytes() for frame in datasets.frames(data.x_test[:IMAGES], deployment.frame)]
        build = program.build(deployment, CLOCK_HZ)
        with RemoteServer(deployment) as server:
            start, busy = time.perf_counter(), time.process_time()
            device = Device.open(BOARD, build)
            for frame in frames:
                device.infer(frame, lambda payload: server.exchange(payload)[0].astype("<i2").tobytes())
            seconds, busy = time.perf_counter() - start, time.process_time() - busy
            instructions = device.port.machine.instructions
            device.close()
        rows += [
            (f"{method}_{IMAGES}_inferences", seconds, "s"),
            (f"instructions_{method}_inference", round(instructions / IMAGES), "instructions"),
            (f"mips_{method}", instructions / busy / 1e6, "million instructions per second"),
        ]
    return rows
