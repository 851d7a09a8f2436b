"""AgileNN as a method of the harness. TensorFlow is imported when a training starts, not on look-up."""

from __future__ import annotations

from agilenn.config import settings_for
from bench.method import Deployment, Request, StageKind
from bench.training.task import open_task


class AgileNN:
    """Huang and Gao, MobiCom'22: important features stay on the device, the rest goes to the server as symbols.

    A variant is a preset: `agilenn:text` is presets/text.toml, bare `agilenn` presets/audited.toml.
    """

    name = "agilenn"
    stages: tuple[StageKind, ...] = ()

    def train(self, request: Request) -> Deployment:
        """Trains (or resumes), exports to request.out, saves the deployment.

        Raises DataError without training images, UnknownName for a preset that does not exist.
        """
        settings = settings_for(request.dataset, request.budget, request.variant)
        task = open_task(request)
        from agilenn.deploy import deploy
        from agilenn.training import train

        name = request.named(self.name)
        return deploy(task, settings, train(task, settings, name), name)
