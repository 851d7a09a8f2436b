"""MCUNet's networks, block by block, and what their authors published about them.

Sources: the configurations in github.com/mit-han-lab/tinyml (Lin et al., NeurIPS'20); MACs and parameters with 1000
classes from the model zoo of github.com/mit-han-lab/mcunet; milliseconds, SRAM and flash of TinyEngine on an STM32F746
at 216 MHz from github.com/mit-han-lab/tinyengine at c71768b, August 2022.
"""

from __future__ import annotations

from dataclasses import dataclass

from bench.errors import UnknownName


@dataclass(frozen=True)
class Published:
    """Millions of MACs and of parameters; milliseconds and kB under TinyEngine."""

    macs: float
    parameters: float
    ms: int
    sram: int
    flash: int


@dataclass(frozen=True)
class Net:
    """side: of the square image; stem: channels of the first convolution (3x3, stride 2); head: of a last 1x1
    convolution, 0 for none. layout: expansion, channels, stride, kernel size of each block, as digits and commas.
    """

    side: int
    stem: int
    layout: str
    published: Published
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
        6,112,2,3 4,112,1,5 6,192,1,3""", Published(6.4, 0.75, 62, 45, 837)),
    "in1": Net(96, 16, """
        1,8,1,3
        4,16,2,3 3,16,1,3
        3,24,2,7 5,24,1,3
        5,40,2,3 4,40,1,7 4,48,1,5 3,48,1,3 4,48,1,3
        5,96,2,7 4,96,1,5 4,96,1,5 6,160,1,3""", Published(12.8, 0.64, 135, 90, 720)),
    "in2": Net(160, 16, """
        1,8,1,3
        3,16,2,5 6,16,1,7 5,16,1,3 5,16,1,5
        5,24,2,3 6,24,1,7 6,24,1,5
        4,40,2,7 5,40,1,5 5,48,1,3 5,48,1,5 4,48,1,3
        6,96,2,5 4,96,1,5 3,96,1,5 4,96,1,3 5,160,1,5""", Published(67.3, 0.73, 681, 200, 827)),
    "in3": Net(176, 16, """
        1,8,1,3
        3,16,2,7 5,16,1,3 5,16,1,7 4,16,1,5
        5,24,2,5 5,24,1,5 5,24,1,5
        5,40,2,3 6,40,1,7 4,40,1,5 5,48,1,5 5,48,1,7 5,48,1,3
        6,96,2,3 5,96,1,7 4,96,1,3 5,160,1,7""", Published(81.8, 0.74, 819, 242, 835)),
    "mbv2": Net(144, 16, """
        1,8,1,3
        6,8,2,3 6,8,1,3
        6,16,2,3 6,16,1,3 6,16,1,3
        6,24,2,3 6,24,1,3 6,24,1,3 6,24,1,3 6,32,1,3 6,32,1,3 6,32,1,3
        6,56,2,3 6,56,1,3 6,56,1,3 6,112,1,3""", Published(23.5, 0.75, 292, 284, 828), head=448),
}  # fmt: skip
DEFAULT = "in0"  # of bare `mcunet`; choose.py says whether the rule agrees


def find(variant: str) -> Net:
    """The network of `mcunet:VARIANT`. Raises UnknownName."""
    name = variant or DEFAULT
    if name not in NETS:
        raise UnknownName("network of mcunet", name, NETS)
    return NETS[name]
