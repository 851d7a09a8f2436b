"""Edge-only offloading as a method of the harness: the device compresses the camera frame and sends it."""

from __future__ import annotations

from dataclasses import dataclass

from bench.errors import BenchError
from bench.method import Deployment, Request, StageKind
from bench.training.task import open_task


@dataclass(frozen=True)
class Settings:
    """The server network (bench/training/networks.py): kind, width multiplier, stages and head; and the schedule."""

    network: str = "mobilenetv2"
    width: float = 1.0
    stages: int = 7
    head: int = 1280
    epochs: int = 200
    batch: int = 64
    rate: float = 0.1


BUDGETS = {
    ("digits", "quick"): Settings(width=0.5, stages=3, head=256, epochs=60, rate=0.05),
    ("digits", "full"): Settings(width=0.5, stages=3, head=256, rate=0.05),
    ("", "quick"): Settings(network="resnet8", epochs=10),
    ("", "full"): Settings(),
}


class EdgeOnly:
    """The AgileNN paper's Edge-only baseline (Sec 7), with the same kind of server network."""

    name = "edge_only"
    stages: tuple[StageKind, ...] = ()

    def train(self, request: Request) -> Deployment:
        """Trains (or resumes), exports to request.out, saves the deployment. DataError without training images."""
        if request.variant:
            raise BenchError(f"{self.name} has no variants", got=request.variant, do=f"use --method {self.name}")
        task = open_task(request)
        settings = BUDGETS.get((request.dataset, request.budget)) or BUDGETS["", request.budget]
        from baselines.edge_only.training import deploy, train

        model, record = train(task, settings)
        return deploy(task, model, record, self.name)
