"""`fig_memory`: SRAM and flash of each method's whole program (the paper's Figure 20)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.figures import pairs_plot
from bench.figures.operating_study import Sweep
from bench.paper import beside
from bench.results import Row

if TYPE_CHECKING:
    from bench.figures.operating_rows import OperatingRows

KB = 1024
STACK = 8 * KB  # reserved by bench/firmware/stm32f746.ld
UNNAMED = "mcunet"  # the paper does not say which of its networks it used, so there is no verdict
LIMITS = {"sram": 320.0, "flash": 1024.0}  # of the STM32F746, in kB
PANELS = {"sram": "SRAM in use (kB)", "flash": "Flash in use (kB)"}
CAPTION = (
    "Segments of the ELF, the stack by its high-water mark over the images (emulated). Hatched: the paper's Figure 20. "
    "Dashed: what the chip has. kB of 1,024 bytes."
)
WHY = (
    "Our programs hold no interpreter and no library: code, weights and the buffers of one network, placed when it is\n"
    "compiled, and scratch memory. What fills the paper's 216 kB is not stated. Its text says below 20 % of the\n"
    "device; 216 of 320 kB is 67 %."
)


class FigMemory(Sweep):
    name = "fig_memory"
    claim = "memory of each method's whole program: SRAM and flash by the ELF, the stack by its high-water mark"
    figure = "Figure 20"
    minutes = "5"

    def rows_of(self, makers: Sequence[OperatingRows]) -> list[list[Row]]:
        return [rows_of(maker) for maker in makers]

    def draw(self, rows: Sequence[Row], folder: Path) -> list[Path]:
        return pairs_plot.draw(self.name, rows, folder, PANELS, CAPTION, LIMITS)

    def table(self, rows: Sequence[Row]) -> str:
        return super().table(rows) + (f"\n\n{WHY}" if any(row.paper_value for row in rows) else "")


def rows_of(maker: OperatingRows) -> list[Row]:
    """Accuracy; SRAM of all segments with as much stack as was used, and flash, in kB; that stack.

    What a program needs does not depend on its images: a re-split data set has a verdict, too.
    """
    firmware = maker.operating.stamp["inputs"]["firmware"]
    stack = firmware["stack_high_water"]
    sram = firmware["sram_bytes"] - STACK + stack
    named = maker.operating.case.deployment.method.partition(":")[0] != UNNAMED
    return [
        maker.accuracy(),
        *(
            beside(maker.row(metric, size / KB, "kB", "emulated"), maker.theirs("fig20", metric), comparable=named)
            for metric, size in {"sram": sram, "flash": firmware["flash_bytes"]}.items()
        ),
        maker.row("stack", stack, "bytes", "emulated"),
    ]
