"""Methods that adapt themselves to their link: what they would choose at each rate, by their own profile."""

from __future__ import annotations

import dataclasses
from typing import Any

from bench import registry
from bench.energy import model
from bench.energy.bracket import total
from bench.figures.operating_rows import OperatingRows
from bench.link import Link
from bench.method import Plan
from bench.results import Row


def rows_of(maker: OperatingRows, link: Link, **at: Any) -> list[Row]:
    """Latency, energy, accuracy (on the validation images of the profile) and the choice at a rate.

    None for a method that does not adapt, and where no image was sent: then nothing is known of the server's time. The
    profile estimates device times from operations; they are scaled by what the deployed program really takes.
    """
    one = maker.operating
    training = one.case.deployment.training
    adapt = getattr(registry.method(one.case.deployment.method), "plan", None)
    if adapt is None or "profile" not in training or not one.up.any():
        return []
    down = int(one.down.max())
    plan: Plan = adapt(
        one.case.deployment, one.clock_hz, lambda payload: link.milliseconds(round(payload), down), one.remote_ms
    )
    compute = plan.compute_ms * float(one.compute_ms.mean()) / plan.deployed_ms
    away = link.milliseconds(round(plan.payload), down) + one.remote_ms
    parts = model.inference(
        compute_ms=compute, remote_ms=one.remote_ms, up=round(plan.payload), down=down, link=link, offloads=True,
        clock_hz=one.clock_hz,
    )  # fmt: skip
    energy = total(part if phase == "compute" else part.scaled(plan.sent) for phase, part in parts.items())
    accuracy = maker.row("accuracy_rescheduled", plan.accuracy, "percent", "modelled", **at)
    return [
        maker.row("total_rescheduled", compute + plan.sent * away, "ms", "mixed", **at),
        maker.row("energy_rescheduled", energy.typical, "mJ", "modelled", **at),
        dataclasses.replace(accuracy, n=training["validation"]["images"]),
        *(maker.row(f"rescheduled_{name}", value, "1", "modelled", **at) for name, value in plan.choice.items()),
    ]
