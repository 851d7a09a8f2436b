"""Edge-only offloading as a method of the harness: the device compresses the camera frame and sends it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from baselines.edge_only.codecs import PAPER
from baselines.edge_only.codecs import codec as named
from bench.method import Deployment, Request, StageKind
from bench.training import budget
from bench.training.task import open_task


@dataclass(frozen=True)
class Settings:
    """The server network (bench/training/networks.py): kind, width multiplier, stages and head; and the schedule."""

    epochs: int
    batch: int
    rate: float
    decay: float
    network: str = "mobilenetv2"
    width: float = 1.0
    stages: int = 7
    head: int = 1280
    smoothing: float = budget.SMOOTHING
    distorted: bool = False  # half of the training images go through JPEG


def settings_for(dataset: str, name: str, protocol: str) -> Settings:
    """The budget's plan, and the network of AgileNN's server under the same budget."""
    plan = dataclasses.asdict(budget.plan(dataset, name))
    return Settings(**plan, **budget.server(dataset, name), distorted=protocol == "strong")


class EdgeOnly:
    """The AgileNN paper's Edge-only baseline (Sec 7), with the same kind of server network.

    A variant is a coder: `edge_only:lossless`, `edge_only:jpeg75` (any quality) or `edge_only:lzw`. All variants of a
    protocol share one network, so that only the first of them trains. Bare: LZW under protocol `paper`; under `strong`
    the coder with the fewest bytes that costs at most a point of validation accuracy.
    """

    name = "edge_only"
    stages: tuple[StageKind, ...] = ()

    def train(self, request: Request) -> Deployment:
        """Trains (or resumes), exports to request.out, saves the deployment.

        Raises DataError without training images, UnknownName for a variant that is no coder.
        """
        task = open_task(request)
        name = request.named(self.name)
        codec = named(request.variant or PAPER, task) if request.variant or request.protocol == "paper" else None
        settings = settings_for(request.dataset, request.budget, request.protocol)
        from baselines.edge_only.training import deploy, train

        model, record = train(task, settings, name)
        return deploy(task, model, record, name, codec)
