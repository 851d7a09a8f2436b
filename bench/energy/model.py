"""Energy of one inference as the sum of its phases: time x supply voltage x current of processor and radio module.

This is the draw of two chips. Regulators, memory, display and debugger of a board are not in it; a figure for a whole
board, as the paper's seems to be, is several times larger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.energy.bracket import Bracket, exactly
from bench.energy.currents import Currents, standard
from bench.link import Link

BITS_PER_BYTE = 10  # on a serial line: start, eight, stop


@dataclass(frozen=True)
class Phase:
    """ms: its duration; processor, radio: their states in currents.toml."""

    name: str
    ms: Bracket
    processor: str
    radio: str


def phases(
    *,
    compute_ms: float,
    remote_ms: float,
    up: int,
    down: int,
    link: Link,
    offloads: bool,
    currents: Currents,
    serial_ms: float | None = None,
) -> list[Phase]:
    """One inference in order. up, down: payload bytes (up 0: nothing was sent); offloads: there is a radio at all.

    serial_ms: on the line to the radio module, where it was counted. Where not, low and typical follow the time line of
    the latency figures, in which a message crosses that line while it is on the air; high has it wait in the module
    until it is whole.
    """
    compute = Phase("compute", exactly(compute_ms), "run", "idle" if offloads else "off")
    if up == 0:
        return [compute]
    whole = up * BITS_PER_BYTE * 1e3 / currents.baud
    serial = Bracket(0.0, 0.0, whole) if serial_ms is None else exactly(serial_ms)
    return [
        compute,
        Phase("serial", serial, "wait", "idle"),
        Phase("send", exactly(link.up_ms(up)), "wait", "send"),
        Phase("server", exactly(remote_ms), "wait", "listen"),
        Phase("receive", exactly(link.down_ms(down)), "wait", "receive"),
    ]


def energy(steps: Sequence[Phase], clock_hz: float, currents: Currents) -> dict[str, Bracket]:
    """mJ by phase."""
    found = {}
    for step in steps:
        drawn = currents.drawn(step.processor, clock_hz) + currents.radio[step.radio]
        found[step.name] = (drawn * step.ms).scaled(currents.volt / 1e3)
    return found


def inference(
    *,
    compute_ms: float,
    remote_ms: float,
    up: int,
    down: int,
    link: Link,
    offloads: bool,
    clock_hz: float,
    serial_ms: float | None = None,
) -> dict[str, Bracket]:
    """mJ by phase of one inference, with the currents of currents.toml; arguments as in `phases`."""
    currents = standard()
    steps = phases(
        compute_ms=compute_ms, remote_ms=remote_ms, up=up, down=down, link=link, offloads=offloads, currents=currents,
        serial_ms=serial_ms,
    )  # fmt: skip
    return energy(steps, clock_hz, currents)
