"""One training of a figure that trains: what is trained, and its rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.figures import offloaded
from bench.figures.alone import Alone
from bench.figures.rows import Maker
from bench.results import Row

PRESET = "audited"
HELD = {"k": 5, "rho": 0.8, "lam": 0.6}  # what a sweep does not move; stated, so that figures share their trainings
SHORT = {"digits": {"reference_epochs": 6, "epochs": 16}}  # epochs under --budget quick
SHORT_ELSEWHERE = {"reference_epochs": 1, "epochs": 4}
RATE = 6_000_000  # bits per second
OWN = {"skewness": "achieved_skewness", "violations": "order_violations"}  # a training's words -> ours


@dataclass(frozen=True)
class Point:
    """One training. conditions: as the rows name it; settings: of AgileNN, over those of the preset.

    theirs: our metric -> conditions and metric in the paper's table. method: as the rows name it.
    """

    conditions: Mapping[str, float | str]
    settings: Mapping[str, Any] = field(default_factory=dict)
    theirs: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    method: str = "agilenn"

    def variant(self, dataset: str, budget: str) -> str:
        """What is trained: agilenn:audited+epochs=16,k=5,..."""
        short = SHORT.get(dataset, SHORT_ELSEWHERE) if budget == "quick" else {}
        settings = {**HELD, **short, **self.settings}
        texts = {name: str(value).lower() if isinstance(value, bool) else value for name, value in settings.items()}
        return f"agilenn:{PRESET}+" + ",".join(f"{name}={texts[name]}" for name in sorted(texts))

    @property
    def title(self) -> str:
        return ", ".join([self.method, *(f"{name} {value}" for name, value in self.conditions.items())])


def maker(figure: str, case: Alone, point: Point) -> Maker:
    """Makes the rows of one training."""
    return Maker(figure, (case.dataset.name, point.method, "paper"))


def common(figure: str, case: Alone, point: Point, result: Mapping[str, Any]) -> list[Row]:
    """The rows that every training has. device_and_link: without the server's time, which trainings would disturb."""
    from bench.link import Link

    make = maker(figure, case, point)
    where: dict[str, Any] = dict(point.conditions)
    said, training = result["outputs"], result["training"]
    n, hits, symbols = said["n"], said["hits"], said["symbols"]
    link = Link(RATE)
    device = make.mean("device", result["device_ms"], "ms", **where)
    network = make.mean("network", [link.milliseconds(size, result["down"]) for size in said["payload"]], "ms", **where)
    both = make.number("device_and_link", device.value + network.value, "ms", device.n, **where)
    rows = [
        make.counted("accuracy", hits.get("own", 0), n, **where),
        make.number("remote_sparsity", 100 * max(symbols) / sum(symbols), "percent", n, **where),
        make.mean("payload_up", said["payload"], "bytes", **where),
        dataclasses.replace(device, label="emulated"),
        dataclasses.replace(network, label="modelled"),
        dataclasses.replace(both, label="mixed"),
        *offloaded.reported(make, training, OWN, **where),
    ]
    if result["skewness"]:
        rows.append(make.mean("judged_skewness", result["skewness"], "percent", **where))
    numbers = {"alpha": 1.0, "epochs": 1.0, "cpu_hours": 3600.0}
    return rows + [
        make.number(name.replace("hours", "seconds"), scale * training[name], "1", 1, **where)
        for name, scale in numbers.items()
        if training.get(name) is not None
    ]
