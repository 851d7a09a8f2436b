"""Invented records and rows for the tests of fig_latency: no board, no server."""

import numpy as np

from bench.figures.latency_rows import Hits, Latency
from bench.method import Record
from bench.paper import FIG16, published

METRICS = {
    "accuracy", "accuracy_sample", "local", "compress", "network", "remote", "total", "payload_up", "payload_down",
}  # fmt: skip
PAPER = published()
FULL = Hits(9420, 10000)


def records(dataset="cifar10", method="agilenn", n=40, up=4000, local=14.0, compress=1.9, network=5.0, remote=0.9):
    rng = np.random.default_rng(7)
    made = []
    for image in range(n):
        scale = float(rng.normal(1, 0.05))
        made.append(
            Record(
                dataset,
                method,
                "paper",
                image,
                image % 10,
                image % 10 if image % 20 else 3,
                "server",
                {"net": 1},
                216_000_000,
                round(up * scale),
                20,
                local,
                compress * scale,
                network * scale,
                remote * float(rng.lognormal(0, 0.3)),
                None,
                "emulated",
                "modelled",
                "measured",
                "0",
            )
        )
    return made


def rows(comparable=True, full=FULL, **shape):
    return Latency(records(**shape), full, FIG16, PAPER, comparable).rows()
