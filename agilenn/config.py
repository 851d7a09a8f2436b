"""Every choice of one AgileNN training, with the paper's value where it states one (README.md lists the open ones)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bench.errors import BenchError


@dataclass(frozen=True)
class Settings:
    """k of `channels` feature channels stay on the device; the others travel as symbols of `bits` bits."""

    channels: int = 24
    k: int = 5  # split ratio 20 %, Sec 7
    rho: float = 0.8  # wanted share of importance in the first k channels, Sec 7
    lam: float = 0.8  # weight of the prediction loss against skewness + disorder, Sec 4.2
    temperature: float = 6.0  # T of alpha = sigmoid(w / T), Fig 8b
    bits: int = 3
    points: tuple[float, ...] = (0.25, 0.75)  # where on the path from zero to the features gradients are taken
    second_order: bool = False  # True: differentiate through the attribution's gradient, too
    attributed: float = 0.25  # share of each batch on which skewness and disorder are computed
    local_weight: float = 0.5  # cross-entropy of the Local NN alone, in the prediction loss
    reference_weight: float = 0.2  # cross-entropy that keeps the reference network valid on the moving features
    reference_width: int = 32
    remote: str = "mobilenetv2"  # Sec 7; or "resnet8", see bench/training/networks.py
    remote_width: float = 1.0
    remote_stages: int = 7  # of MobileNetV2's seven
    remote_head: int = 1280
    reference_epochs: int = 20
    epochs: int = 200
    batch: int = 64
    rate: float = 0.1

    def __post_init__(self) -> None:
        if not 1 <= self.k < self.channels:
            raise BenchError("k is not a split of the channels", expected=f"1 to {self.channels - 1}", got=self.k)
        if not 0 < self.rho <= 1:
            raise BenchError("rho is not a share", expected="0 < rho <= 1", got=self.rho)
        if not 0 < self.lam <= 1:
            raise BenchError("lam is not a weight", expected="0 < lam <= 1", got=self.lam)
        if not 1 <= self.bits <= 4:
            raise BenchError("bits per symbol", expected="1 to 4", got=self.bits)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Settings:
        """Settings from plain data; raises BenchError for a key that does not exist."""
        known = [f.name for f in dataclasses.fields(cls)]
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise BenchError(f"unknown AgileNN setting {', '.join(unknown)}", expected=f"one of {', '.join(known)}")
        return cls(**values)


# what changes with the data and the budget; everything else is the same
SMALL = {"remote_width": 0.5, "remote_stages": 3, "remote_head": 256, "rate": 0.05}
BUDGETS: dict[tuple[str, str], dict[str, Any]] = {
    ("digits", "quick"): {**SMALL, "reference_epochs": 20, "epochs": 80},
    ("digits", "full"): {**SMALL, "reference_epochs": 40, "epochs": 240},
    ("", "quick"): {"remote": "resnet8", "reference_epochs": 2, "epochs": 10},
    ("", "full"): {},
}


def settings_for(dataset: str, budget: str) -> Settings:
    """The settings of a budget ("quick" or "full") for a data set."""
    return Settings.of(BUDGETS.get((dataset, budget)) or BUDGETS["", budget])
