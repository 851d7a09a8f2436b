"""Deployments under other links and clocks, from the cells of fig_latency.

A link changes the arithmetic alone; another clock is another firmware, with its own wait states, that really runs.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from bench.energy import model
from bench.energy.bracket import Bracket, total
from bench.figures import base, cells
from bench.figures.cases import Case
from bench.figures.latency_cells import Campaign, Measured
from bench.figures.latency_rows import FIGURE, Hits
from bench.figures.recorded import Recorded
from bench.link import Link

CLOCK, RATE = 216_000_000, 6e6  # the paper's operating point
BOARD = "emu://stm32f746"


@dataclass(frozen=True)
class Operating:
    """One deployment at one clock. compute_ms, up, down (bytes), correct: one value per image; up is 0 for an image
    that the device decides. remote_ms: the server's, of an image that is sent. full: accuracy on the whole test split.
    """

    case: Case
    clock_hz: int
    compute_ms: np.ndarray
    up: np.ndarray
    down: np.ndarray
    correct: np.ndarray
    remote_ms: float
    full: Hits | None
    stamp: dict[str, Any]

    @property
    def n(self) -> int:
        return len(self.up)

    @property
    def offloads(self) -> bool:
        return self.case.deployment.server is not None

    @cached_property
    def accuracy(self) -> Hits:
        """On the whole test split, else on the images that the board ran."""
        return self.full or Hits(int(self.correct.sum()), self.n)

    def network_ms(self, link: Link) -> np.ndarray:
        """Per image, up and down."""
        pairs = zip(self.up, self.down, strict=True)
        return np.array([link.milliseconds(int(up), int(down)) if up else 0.0 for up, down in pairs])

    def total_ms(self, link: Link) -> np.ndarray:
        """Per image, from frame to prediction."""
        return self.compute_ms + self.network_ms(link) + self.remote_ms * (self.up > 0)

    def energy_mj(self, link: Link) -> dict[str, Bracket]:
        """Means over images, by phase."""
        sums: dict[str, list[Bracket]] = {}
        for compute, up, down in zip(self.compute_ms, self.up, self.down, strict=True):
            found = model.inference(
                compute_ms=float(compute), remote_ms=self.remote_ms, up=int(up), down=int(down), link=link,
                offloads=self.offloads, clock_hz=self.clock_hz,
            )  # fmt: skip
            for phase, bracket in found.items():
                sums.setdefault(phase, []).append(bracket)
        return {phase: total(parts).scaled(1 / self.n) for phase, parts in sums.items()}


def measure(
    args: argparse.Namespace, cases: Sequence[Case], figure: str, clocks: Sequence[int] = (CLOCK,)
) -> tuple[list[Operating], list[str]]:
    """Each case at each of the clocks, and notes for the user. args: the options of a Study with images.

    The server's time is the one at CLOCK everywhere: it does not know the device's clock.
    """
    recorded = Recorded(base.RESULTS / f"{FIGURE}.csv")
    recorded.keep(cases)
    command = f"{figure} --images {args.images}"
    campaigns = {
        clock: Campaign(_options(args, clock), cases, recorded, command) for clock in dict.fromkeys((CLOCK, *clocks))
    }
    results = iter(cells.run([cell for campaign in campaigns.values() for cell in campaign.todo], args))
    found = {
        clock: [_operating(measured, clock) for measured in campaign.measured(results)]
        for clock, campaign in campaigns.items()
    }
    timed = [
        replace(one, remote_ms=same.remote_ms)
        for clock in clocks
        for one, same in zip(found[clock], found[CLOCK], strict=True)
    ]
    return timed, campaigns[CLOCK].notes


def _options(args: argparse.Namespace, clock_hz: int) -> argparse.Namespace:
    """Those of fig_latency."""
    more = {"bandwidth": RATE, "clock": clock_hz, "compiler": "zig", "board": BOARD}
    return argparse.Namespace(**vars(args) | more)


def _operating(measured: Measured, clock_hz: int) -> Operating:
    runs = measured.runs
    remote = [run["remote_us"] / 1e3 for run in runs if run["payload_up"]]
    return Operating(
        case=measured.case,
        clock_hz=clock_hz,
        compute_ms=np.array([sum(run["cycles"].values()) for run in runs], float) * 1e3 / clock_hz,
        up=np.array([run["payload_up"] for run in runs]),
        down=np.array([run["payload_down"] for run in runs]),
        correct=np.array([run["prediction"] == run["label"] for run in runs]),
        remote_ms=float(np.median(remote)) if remote else 0.0,
        full=measured.full,
        stamp=measured.stamp,
    )
