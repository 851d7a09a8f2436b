"""The budget rule: every method trains for the same epochs of a data set, on the same batches.

Same augmentation and frames (pipeline.py), same schedule (fit.py), same batch, rate and label smoothing, the same server
network wherever a method leaves it open. What a method must have otherwise, its README states.
"""

from __future__ import annotations

BATCH = 128
RATE = 0.2
SMOOTHING = 0.1
SERVER = ("vgg", 0.75)  # kind and width of networks.server_network: learns most per second on a CPU
EPOCHS = {
    "quick": {"digits": 80, "cifar10": 12, "cifar100": 12, "svhn_grey": 8, "imagenet200": 4},
    "full": {"digits": 240},
}
OTHERS = {"quick": 8, "full": 200}


def epochs(dataset: str, budget: str) -> int:
    """Epochs of one training on a data set under a budget, "quick" or "full"."""
    return EPOCHS[budget].get(dataset, OTHERS[budget])
