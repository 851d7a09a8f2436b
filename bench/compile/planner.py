"""Static memory plan: buffers that are never needed at the same time share addresses.

Greedy by size (Pisarchyk and Lee, "Efficient Memory Management for Deep Neural Net Inference", 2020): the largest
buffer first, each at the lowest address where it meets no buffer that lives at the same time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

ALIGN = 8


@dataclass(frozen=True)
class Buffer:
    """nbytes of memory needed from step `first` to step `last`, both included."""

    name: str
    nbytes: int
    first: int
    last: int

    def meets(self, other: Buffer) -> bool:
        """Whether both are needed at some step."""
        return self.first <= other.last and other.first <= self.last


def plan(buffers: Iterable[Buffer]) -> tuple[dict[str, int], int]:
    """Offset of each buffer in bytes (multiples of 8) and the size of the memory that holds them all."""
    offsets: dict[str, int] = {}
    placed: list[tuple[int, int, Buffer]] = []  # (start, end, buffer), by start
    for buffer in sorted(buffers, key=lambda b: (-b.nbytes, b.first, b.name)):
        if buffer.name in offsets:
            raise ValueError(f"two buffers are called {buffer.name!r}")
        size = -(-buffer.nbytes // ALIGN) * ALIGN
        offset = 0
        for start, end, other in placed:
            if not other.meets(buffer):
                continue
            if start >= offset + size:
                break
            offset = max(offset, end)
        offsets[buffer.name] = offset
        placed.append((offset, offset + size, buffer))
        placed.sort(key=lambda item: item[:2])
    return offsets, max((end for _, end, _ in placed), default=0)
