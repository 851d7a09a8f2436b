"""MCUNet's networks, block by block, with their published sizes.

Sources: the configurations in github.com/mit-han-lab/tinyml (Lin et al., NeurIPS'20); MACs and parameters with 1000
classes from the model zoo of github.com/mit-han-lab/mcunet.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Net:
    """side: of the square image; stem: channels of the first convolution (3x3, stride 2); head: of a last 1x1
    convolution, 0 for none. layout: expansion, channels, stride and kernel size of each block. macs, parameters:
    millions, with 1000 classes.
    """

    side: int
    stem: int
    layout: str
    macs: float
    parameters: float
    head: int = 0

    @property
    def blocks(self) -> list[tuple[int, int, int, int]]:
        """(expansion, channels, stride, kernel size), from image to classes."""
        rows = [tuple(map(int, block.split(","))) for block in self.layout.split()]
        return [(expansion, channels, stride, size) for expansion, channels, stride, size in rows]


NETS = {
    "in0": Net(48, 24, """
        1,16,1,3
        4,16,2,5 3,16,1,3 4,16,1,3
        5,24,2,7 4,24,1,5 5,24,1,5
        5,48,2,7 4,48,1,5 5,56,1,3 4,56,1,5 5,56,1,3
        6,112,2,3 4,112,1,5 6,192,1,3""", 6.4, 0.75),
    "in1": Net(96, 16, """
        1,8,1,3
        4,16,2,3 3,16,1,3
        3,24,2,7 5,24,1,3
        5,40,2,3 4,40,1,7 4,48,1,5 3,48,1,3 4,48,1,3
        5,96,2,7 4,96,1,5 4,96,1,5 6,160,1,3""", 12.8, 0.64),
    "in2": Net(160, 16, """
        1,8,1,3
        3,16,2,5 6,16,1,7 5,16,1,3 5,16,1,5
        5,24,2,3 6,24,1,7 6,24,1,5
        4,40,2,7 5,40,1,5 5,48,1,3 5,48,1,5 4,48,1,3
        6,96,2,5 4,96,1,5 3,96,1,5 4,96,1,3 5,160,1,5""", 67.3, 0.73),
    "in3": Net(176, 16, """
        1,8,1,3
        3,16,2,7 5,16,1,3 5,16,1,7 4,16,1,5
        5,24,2,5 5,24,1,5 5,24,1,5
        5,40,2,3 6,40,1,7 4,40,1,5 5,48,1,5 5,48,1,7 5,48,1,3
        6,96,2,3 5,96,1,7 4,96,1,3 5,160,1,7""", 81.8, 0.74),
    "mbv2": Net(144, 16, """
        1,8,1,3
        6,8,2,3 6,8,1,3
        6,16,2,3 6,16,1,3 6,16,1,3
        6,24,2,3 6,24,1,3 6,24,1,3 6,24,1,3 6,32,1,3 6,32,1,3 6,32,1,3
        6,56,2,3 6,56,1,3 6,56,1,3 6,112,1,3""", 23.5, 0.75, head=448),
}  # fmt: skip
