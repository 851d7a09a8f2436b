"""SPINN as a method of the harness. TensorFlow is imported when a training starts, not on look-up."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from baselines.spinn import schedule
from baselines.spinn.stages import BestSoFarKind
from bench.errors import BenchError
from bench.method import Deployment, Plan, Request, StageKind
from bench.training.task import open_task


@dataclass(frozen=True)
class Settings:
    """MobileNetV2: width multiplier, how many of its seven stages, channels of the last convolution at width 1.

    exits: early classifiers; hidden: channels in each; exit_weight: of each one's cross-entropy beside the last one's.
    """

    width: float = 0.5
    stages: int = 7
    head: int = 1280
    exits: int = 8
    hidden: int = 128
    exit_weight: float = 0.15


SPLITS = 3  # the network may be cut behind so many of its first exits; behind later ones the device is too slow
SETTINGS = {  # of a data set, else of the budget
    "digits": Settings(width=0.35, stages=4, head=256, exits=3, hidden=24),
    "quick": Settings(),
    "full": Settings(width=1.0),
}


class Spinn:
    """Laskaridis et al., MobiCom'20: one network cut between device and server, with early exits on the device.

    The scheduler chooses the cut; the variant `spinn:split2` has it behind the second exit instead.
    """

    name = "spinn"
    stages: tuple[StageKind, ...] = (BestSoFarKind(),)

    def train(self, request: Request) -> Deployment:
        """Trains (or resumes), exports to request.out, saves the deployment.

        Raises DataError without training images, BenchError for a variant that names no split.
        """
        settings = SETTINGS.get(request.dataset) or SETTINGS[request.budget]
        asked = re.fullmatch(r"split([1-9]\d*)", request.variant)
        if request.variant and not (asked and int(asked[1]) <= SPLITS):
            raise BenchError(
                "SPINN's variant", expected=f"split1 to split{SPLITS}", got=request.variant, do="use spinn"
            )
        task = open_task(request)
        from baselines.spinn.deploy import deploy
        from baselines.spinn.training import train

        name = request.named(self.name)
        return deploy(task, train(task, settings, name), name, int(asked[1]) if asked else None)

    def plan(
        self, deployment: Deployment, clock_hz: float, network_ms: Callable[[float], float], server_ms: float
    ) -> Plan:
        """What the scheduler would choose for another link, clock or server."""
        profile = deployment.training["profile"]
        splits = schedule.read(profile)
        best = schedule.choose(splits, profile["accuracy"] - schedule.LOSS, clock_hz, network_ms, server_ms)
        deployed = splits[deployment.training["split"] - 1]
        point = next(p for p in deployed.points if p.threshold == deployment.training["threshold"])
        return Plan(
            choice={"split": best.split.number, "threshold": best.point.threshold},
            compute_ms=best.split.milliseconds(best.point, clock_hz, lambda _: 0.0, 0.0),
            deployed_ms=deployed.milliseconds(point, clock_hz, lambda _: 0.0, 0.0),
            sent=1.0 - sum(best.point.left),
            payload=best.split.payload,
            accuracy=best.point.accuracy,
        )
