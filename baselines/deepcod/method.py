"""DeepCOD as a method of the harness. TensorFlow is imported when a training starts, not on look-up."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from bench.datasets import frame_shape
from bench.errors import BenchError, UnknownName
from bench.method import Deployment, Request, StageKind
from bench.training import budget
from bench.training.task import Task, open_task

PAPER_MATCHED = "paper_matched"
# channels of its first convolution: device time over that of AgileNN's extractor as in the paper's Fig 16; README.md
HIDDEN = {"cifar10": 22, "cifar100": 20, "svhn": 12, "svhn_grey": 12, "imagenet200": 56, "": 20}
RATES = {"r02": 0.02, "r05": 0.05, "": 0.1, "r20": 0.2, "r40": 0.4}  # variant -> codes per value of the frame
VARIANTS = (*RATES, PAPER_MATCHED)
STEP = {"paper": 4, "strong": 2}  # of the encoder's window, in pixels


@dataclass(frozen=True)
class Settings:
    """Schedule (epochs of both steps, rate of the first), networks, loss. network to head: as for `server_network`."""

    epochs: int
    batch: int
    rate: float
    decay: float
    ratio: float = 0.1  # codes per value of the (enlarged) frame
    hidden: int = 0  # channels of a convolution before the published one; 0: there is none
    bits: int = 3  # 8 centres
    widths: tuple[int, int] = (64, 32)  # of the decoder's two residual blocks
    network: str = "mobilenetv2"
    width: float = 1.0
    stages: int = 7
    head: int = 1280
    joint_rate: float = 0.05  # of the second step: a higher one drives the decoder's tanh into saturation
    first: float = 1 / 3  # part of the epochs in which the task network sees the original images
    reconstruction: float = 10.0  # weight of the squared error, frames in [-1, 1]
    distillation: float = 1.0  # weight of the squared distance to the teacher's logits
    smoothing: float = budget.SMOOTHING

    @property
    def task_epochs(self) -> int:
        return max(1, round(self.first * self.epochs))


def settings_for(dataset: str, name: str, variant: str = "") -> Settings:
    """The settings under a budget. Raises UnknownName for a variant that there is not."""
    if variant not in VARIANTS:
        raise UnknownName("DeepCOD variant", variant, [*filter(None, VARIANTS)])
    plan = dataclasses.asdict(budget.plan(dataset, name))
    hidden = HIDDEN.get(dataset, HIDDEN[""]) if variant == PAPER_MATCHED else 0
    widths = (16, 8) if dataset == "digits" or name == "quick" else (64, 32)
    server = budget.server(dataset, name)
    return Settings(**plan, **server, ratio=RATES.get(variant, RATES[""]), hidden=hidden, widths=widths)


def code_channels(frame: Sequence[int], ratio: float) -> int:
    """Of the published code: ratio times the values in a 4x4 window, rounded down, at least 1."""
    return max(1, int(frame[2] * ratio * 16))


def code_shape(task: Task, ratio: float) -> tuple[int, int, int]:
    """(H, W, C) of the codes. Native frames (`strong`) get as many codes as the enlarged ones, on their own map.

    Raises BenchError for frames that the encoder's windows do not fill.
    """
    height, width, _ = task.frame
    step = STEP[task.request.protocol]
    if height % step or width % step:
        raise BenchError(
            "DeepCOD's encoder does not fit the frame", expected=f"sides that are multiples of {step}",
            got=f"{height} x {width}", do="use images of another size",
        )  # fmt: skip
    large = frame_shape(task.data.shape, "paper")
    codes = large[0] // 4 * (large[1] // 4) * code_channels(large, ratio)
    rows, columns = height // step, width // step
    return rows, columns, max(1, round(codes / (rows * columns)))


class DeepCOD:
    """Yao et al., SenSys'20: a learned linear encoder on the device, decoder and task network on the server.

    Bare `deepcod` is the published encoder at its default rate; `deepcod:r20` another rate; `deepcod:paper_matched` a
    heavier encoder whose device time is assumed, not found: its local time is no result.
    """

    name = "deepcod"
    stages: tuple[StageKind, ...] = ()

    def train(self, request: Request) -> Deployment:
        """Trains (or resumes), exports to request.out, saves the deployment.

        Raises DataError without training images, UnknownName for an unknown variant, BenchError for unfit frames.
        """
        settings = settings_for(request.dataset, request.budget, request.variant)
        if settings.hidden and request.protocol != "paper":
            raise BenchError(
                f"{self.name}:{PAPER_MATCHED} stands for the paper's device times", expected="--protocol paper",
                got=request.protocol, do=f"use --method {self.name}",
            )  # fmt: skip
        task = open_task(request)
        shape = code_shape(task, settings.ratio)
        from baselines.deepcod.deploy import deploy
        from baselines.deepcod.training import train

        name = request.named(self.name)
        return deploy(task, settings, train(task, settings, shape, name), name)
