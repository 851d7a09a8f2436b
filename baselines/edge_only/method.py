"""Edge-only offloading as a method of the harness: the device compresses the camera frame and sends it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from bench.errors import BenchError
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


def settings_for(dataset: str, name: str) -> Settings:
    """What the budget rule leaves open: the network of AgileNN's server under the same budget."""
    plan = dataclasses.asdict(budget.plan(dataset, name))
    if dataset == "digits":
        return Settings(**plan, width=0.5, stages=3, head=256)
    if name == "quick":
        network, width = budget.SERVER
        return Settings(**plan, network=network, width=width)
    return Settings(**plan)


class EdgeOnly:
    """The AgileNN paper's Edge-only baseline (Sec 7), with the same kind of server network."""

    name = "edge_only"
    stages: tuple[StageKind, ...] = ()

    def train(self, request: Request) -> Deployment:
        """Trains (or resumes), exports to request.out, saves the deployment. DataError without training images."""
        if request.variant:
            raise BenchError(f"{self.name} has no variants", got=request.variant, do=f"use --method {self.name}")
        task = open_task(request)
        settings = settings_for(request.dataset, request.budget)
        from baselines.edge_only.training import deploy, train

        model, record = train(task, settings)
        return deploy(task, model, record, self.name)
