"""Where the fastest method changes along the rate of a link."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from bench.figures.operating import Operating
from bench.link import Link

CLOSE = 1e-4  # relative, of a rate


def crossings(methods: Sequence[Operating], rates: Sequence[float]) -> list[tuple[int, int, float]]:
    """(index of the fastest below, index of the fastest above, rate in bits per second), rates rising.

    Between two neighbouring `rates` the lead is taken to change once at most.
    """
    found = []
    if not methods:
        return []
    for low, high in pairwise(rates):
        before, after = fastest(methods, low), fastest(methods, high)
        if before == after:
            continue
        left, right = low, high
        while right / left > 1 + CLOSE:
            middle = math.sqrt(left * right)
            if fastest(methods, middle) == before:
                left = middle
            else:
                right = middle
        found.append((before, after, math.sqrt(left * right)))
    return found


def fastest(methods: Sequence[Operating], rate: float) -> int:
    """Its index; the first of equals."""
    means = [float(one.total_ms(Link(rate)).mean()) for one in methods]
    return means.index(min(means))
