"""AgileNN as a method of the harness. TensorFlow is imported when a training starts, not on look-up."""

from __future__ import annotations

from agilenn.config import settings_for
from bench.method import Deployment, Request, StageKind
from bench.training.task import open_task


class AgileNN:
    """Huang and Gao, MobiCom'22: important features stay on the device, the rest goes to the server as symbols."""

    name = "agilenn"
    stages: tuple[StageKind, ...] = ()

    def train(self, request: Request) -> Deployment:
        """Trains (or resumes), exports to request.out, saves the deployment. DataError without training images."""
        task = open_task(request)
        settings = settings_for(request.dataset, request.budget)
        from agilenn.deploy import deploy
        from agilenn.training import train

        model, record = train(task, settings)
        return deploy(task, settings, model, record, self.name)
