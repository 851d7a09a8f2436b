"""MCUNet as a method of the harness: the whole network runs on the device, nothing is sent."""

from __future__ import annotations

import dataclasses

from bench.errors import UnknownName
from bench.method import Deployment, Request, StageKind
from bench.training import budget
from bench.training.mcunet import NETS, Net
from bench.training.task import open_task

DEFAULT = "in0"  # of bare `mcunet`; choose.py says whether the rule agrees


class MCUNet:
    """Lin et al., NeurIPS'20. A variant is a network: `mcunet:in1`; bare `mcunet` is the default.

    A network has its own resolution under both protocols, so both give the same deployment.
    """

    name = "mcunet"
    stages: tuple[StageKind, ...] = ()

    def train(self, request: Request) -> Deployment:
        """Trains (or resumes), exports to request.out, saves the deployment.

        Raises DataError without training images, UnknownName for a network that is not in the table.
        """
        net = find(request.variant)
        task = open_task(request)
        task = dataclasses.replace(task, frame=(net.side, net.side, task.data.shape[2]))
        from baselines.mcunet.training import deploy, train

        name = request.named(self.name)
        return deploy(task, *train(task, net, budget.plan(request.dataset, request.budget), name), name)


def find(variant: str) -> Net:
    """The network of `mcunet:VARIANT`. Raises UnknownName."""
    name = variant or DEFAULT
    if name not in NETS:
        raise UnknownName("network of mcunet", name, NETS)
    return NETS[name]
