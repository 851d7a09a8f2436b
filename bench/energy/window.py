"""Energy of what the firmware timed: its pulses on the board's pin, found in a monitor's samples.

Two clocks have to agree on every pulse: the monitor's edges and the processor's cycle counter (DWT). What they leave
open, and what samples are missing, widens the bounds; what would make the number wrong is an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.energy.bracket import BOUNDS, Bracket, total
from bench.energy.monitors.base import Samples
from bench.errors import MonitorError

SHORTEST = 3  # samples: a shorter pulse may fall between two of them
AGREEMENT = 0.02  # of a pulse, beside two samples
MOST_LOST = 0.05  # of a pulse's samples
WINDOWS = 5  # the least that MLPerf Tiny asks for; it reports their median


@dataclass(frozen=True)
class Window:
    """One inference on the device.

    energy: mJ; seconds: by DWT; edge_seconds: by the monitor, None where it sees no falling edge; lost: samples that
    were missing or not to be trusted.
    """

    energy: Bracket
    seconds: float
    edge_seconds: float | None
    lost: int


def window(samples: Samples, pulses: Sequence[float]) -> Window:
    """pulses: seconds by DWT of each time that the pin was high, in order. Raises MonitorError."""
    shortest = SHORTEST / samples.rate_hz
    long = [seconds for seconds in pulses if seconds >= shortest]
    if not long:
        raise MonitorError(
            "the inference is too short for this monitor", expected=f"pulses of {1e6 * shortest:.0f} us", got=[*pulses]
        )
    spans = _spans(samples, long)
    parts = [_energy(samples, span, seconds) for span, seconds in zip(spans, long, strict=True)]
    known = total(part for part, _ in parts)
    seen, unseen = sum(long), sum(pulses) - sum(long)
    largest = float(samples.full_scale * samples.volt.max() * 1e3 * unseen)
    short = Bracket(0.0, min(largest, known.typical / seen * unseen), largest)
    edges = None if samples.high is None else sum(stop - start for start, stop in spans) / samples.rate_hz
    return Window(known + short, sum(pulses), edges, sum(lost for _, lost in parts))


def median(windows: Sequence[Bracket]) -> Bracket:
    """mJ: the median of each bound. Raises MonitorError for fewer than five windows."""
    if len(windows) < WINDOWS:
        raise MonitorError("windows of measurement", expected=f"at least {WINDOWS}", got=len(windows))
    return Bracket(*(float(np.median([getattr(one, bound) for one in windows])) for bound in BOUNDS))


def _spans(samples: Samples, pulses: Sequence[float]) -> list[tuple[int, int]]:
    """First sample and the one behind the last, of each pulse."""
    if samples.high is None:  # samples start at the first edge
        stop = round(pulses[0] * samples.rate_hz)
        if len(pulses) > 1 or stop > len(samples.ampere):
            expected, got = f"one pulse, {stop} samples", f"{len(pulses)} pulses, {len(samples.ampere)} samples"
            raise MonitorError("a monitor without an input for the pin", expected=expected, got=got)
        return [(0, stop)]
    steps = np.flatnonzero(np.diff(samples.high.astype(np.int8), prepend=0, append=0))
    spans = [(int(a), int(b)) for a, b in steps.reshape(-1, 2) if b - a >= SHORTEST]
    if len(spans) != len(pulses):
        do = "connect the board's pin D7 to the monitor's first input, and measure again"
        raise MonitorError("pulses on the board's pin", expected=len(pulses), got=len(spans), do=do)
    for (start, stop), seconds in zip(spans, pulses, strict=True):
        if start == 0 or stop == len(samples.high):
            raise MonitorError("a pulse is cut off by the end of the measurement", do="measure again")
        edges = (stop - start) / samples.rate_hz
        if abs(edges - seconds) > 2 / samples.rate_hz + AGREEMENT * seconds:
            expected, got = f"{1e3 * seconds:.3f} ms by the cycle counter", f"{1e3 * edges:.3f} ms between edges"
            raise MonitorError(
                "the two clocks differ", expected=expected, got=got, do="samples were lost: measure again"
            )
    return spans


def _energy(samples: Samples, span: tuple[int, int], seconds: float) -> tuple[Bracket, int]:
    """mJ of one pulse, and how many of its samples are missing."""
    inside = slice(*span)
    if samples.clipped[inside].any():
        most = f"below {1e3 * samples.full_scale:g} mA"
        raise MonitorError("the current reached the end of the monitor's range", expected=most)
    ampere, volt = samples.ampere[inside], samples.volt[inside]
    missing = ~np.isfinite(ampere)
    missing[len(ampere) - min(samples.behind, len(ampere)) :] = True  # so many from behind the pulse took their places
    lost = int(missing.sum())
    if lost > MOST_LOST * len(ampere):
        raise MonitorError(
            "samples are missing", expected=f"at most {100 * MOST_LOST:g} %", got=f"{lost} of {len(ampere)}"
        )
    whole = samples.ampere[np.isfinite(samples.ampere)]
    places = np.arange(len(ampere))
    between = np.interp(places, places[~missing], ampere[~missing])
    edges = len(ampere) / samples.rate_hz
    shorter, longer = sorted((edges, seconds))
    filled = (
        (np.where(missing, whole.min(), ampere), shorter - 1 / samples.rate_hz),
        (between, seconds),
        (np.where(missing, whole.max(), ampere), longer + 1 / samples.rate_hz),
    )
    bounds = [max(0.0, float((current * volt).mean()) * duration * 1e3) for current, duration in filled]
    return Bracket(*bounds), lost
