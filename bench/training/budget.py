"""The budget rule: every method trains for the same epochs of a data set, on the same batches.

Same augmentation and frames (pipeline.py), same schedule, batch, rate and label smoothing, the same server network
wherever a method leaves it open. What a method must have otherwise, its README states.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

SMOOTHING = 0.1  # of labels
SERVERS = ("mobilenetv2", "published", "resnet8", "vgg")  # what networks.server_network builds
EPOCHS = {
    "quick": {"digits": 80, "cifar10": 12, "cifar100": 12, "svhn_grey": 8, "imagenet200": 12},
    "full": {"digits": 240},
}
OTHERS = {"quick": 8, "full": 200}


@dataclass(frozen=True)
class Plan:
    """Epochs, images per batch, highest rate and weight decay of one training: the arguments of fit.Schedule.

    A short training needs more decay per step: with MobileNetV2's 5e-4 the weights lose most of their start within 200
    epochs, and hardly anything within 12.
    """

    epochs: int
    batch: int = 128
    rate: float = 0.2
    decay: float = 5e-4


def plan(dataset: str, budget: str) -> Plan:
    """What one training on a data set may cost under a budget, "quick" or "full". Digits is small: smaller batches."""
    epochs = EPOCHS[budget].get(dataset, OTHERS[budget])
    if dataset == "digits":
        return Plan(epochs, 64, 0.05)
    return Plan(epochs, decay=5e-3) if budget == "quick" else Plan(epochs)


def server(dataset: str, budget: str) -> dict[str, Any]:
    """The server network where a method leaves it open: network, width, stages, head of networks.server_network.

    quick: the one that learns most per second on a CPU; full: the paper's, whole. Digits need a part of that only.
    """
    if dataset == "digits":
        return {"network": "mobilenetv2", "width": 0.5, "stages": 3, "head": 256}
    network, width = ("vgg", 0.75) if budget == "quick" else ("mobilenetv2", 1.0)
    return {"network": network, "width": width, "stages": 7, "head": 1280}
