"""Static memory plan: buffers that are never needed at the same time share addresses.

Greedy by size (Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020): the largest
buffer first, each at the lowest address where it meets no buffer that lives at the same time. While that takes more
than the busiest step needs, the buffer that ends highest is placed first, and all others again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

ALIGN = 8
ATTEMPTS = 8


@dataclass(frozen=True)
class Buffer:
    """nbytes of memory needed from step `first` to step `last`, both included."""

    name: str
    nbytes: int
    first: int
    last: int

    @property
    def size(self) -> int:
        """nbytes, rounded up to ALIGN."""
        return -(-self.nbytes // ALIGN) * ALIGN

    def meets(self, other: Buffer) -> bool:
        """Whether both are needed at some step."""
        return self.first <= other.last and other.first <= self.last


def plan(buffers: Iterable[Buffer]) -> tuple[dict[str, int], int]:
    """Offset of each buffer in bytes (multiples of 8) and the size of the memory that holds them all."""
    order = sorted(buffers, key=lambda b: (-b.nbytes, b.first, b.name))
    needed = max((sum(b.size for b in order if b.first <= a.first <= b.last) for a in order), default=0)
    best = offsets, size = place(order)
    for _ in range(ATTEMPTS):
        if size == needed:
            break
        top = max(order, key=lambda b: offsets[b.name] + b.size)
        order = [top, *(b for b in order if b is not top)]
        offsets, size = place(order)
        best = min(best, (offsets, size), key=lambda found: found[1])
    return best


def place(buffers: Sequence[Buffer]) -> tuple[dict[str, int], int]:
    """As `plan`, in this order."""
    offsets: dict[str, int] = {}
    placed: list[tuple[int, int, Buffer]] = []  # (start, end, buffer), by start
    for buffer in buffers:
        if buffer.name in offsets:
            raise ValueError(f"two buffers are called {buffer.name!r}")
        offset = 0
        for start, end, other in placed:
            if not other.meets(buffer):
                continue
            if start >= offset + buffer.size:
                break
            offset = max(offset, end)
        offsets[buffer.name] = offset
        placed.append((offset, offset + buffer.size, buffer))
        placed.sort(key=lambda item: item[:2])
    return offsets, max((end for _, end, _ in placed), default=0)
