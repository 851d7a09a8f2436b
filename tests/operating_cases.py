"""Invented deployments under a link and a clock: no board, no server, no images."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from bench.figures.latency_rows import Hits
from bench.figures.operating import CLOCK, Operating
from bench.figures.operating_rows import OperatingRows
from bench.method import Deployment, Server
from bench.paper import published

PAPER = published()
N = 40
METHODS = {  # compute ms at 216 MHz, bytes up (0: on the device alone), server ms, accuracy in percent
    "agilenn": (3.0, 2500, 1.0, 73.0), "deepcod": (6.0, 2000, 1.5, 74.0), "spinn": (20.0, 6000, 1.0, 72.0),
    "edge_only": (1.0, 27000, 2.0, 75.0), "mcunet": (120.0, 0, 0.0, 66.0),
}  # fmt: skip


def operating(method="agilenn", dataset="cifar100", clock=CLOCK, early=0.0, full=True, **change):
    """early: the share of images that the device decides."""
    compute, up, remote, accuracy = METHODS[method]
    server = Server("s.tflite", (1, 1, 1), (0.0, 1.0), False, 1.0, "packed", 1) if up else None
    deployment = Deployment(method, dataset, "paper", (8, 8, 1), 10, (), server, {}, Path("nowhere"))
    data = SimpleNamespace(name=dataset, comparable=True, source="folder", origin="Krizhevsky", fingerprint="f")
    rng = np.random.default_rng(3)
    sizes = np.rint(up * rng.normal(1, 0.02, N)).astype(int)
    sizes[: round(early * N)] = 0
    case = SimpleNamespace(
        dataset=data, deployment=deployment, identity="d", key=(dataset, method, "paper"), comparable=True
    )
    made = Operating(
        case=case, clock_hz=clock, compute_ms=np.full(N, compute * CLOCK / clock), up=sizes,
        down=np.where(sizes > 0, 20, 0), correct=np.arange(N) % 4 > 0, remote_ms=remote,
        full=Hits(round(100 * accuracy), 10_000) if full else None, stamp={"id": "s"},
    )  # fmt: skip
    return dataclasses.replace(made, **change)


def maker(figure="fig_energy", **shape):
    return OperatingRows(figure, operating(**shape), PAPER)


def makers(figure, dataset="cifar100", clocks=(CLOCK,)):
    return [maker(figure, method=method, dataset=dataset, clock=clock) for clock in clocks for method in METHODS]
