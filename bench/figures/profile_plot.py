"""The drawing of a profile: a bar of cycles per layer and stage, and the layers below the roofs of the Cortex-M7.

A roofline (Williams, Waterman and Patterson, CACM 2009) bounds MACs per cycle by the multiplier and, at few MACs per
byte, by the memory that the bytes come from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.boards.emulator.timing.parameters import Parameters
from bench.figures import style
from bench.figures.profile_rows import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Colour = tuple[float, float, float]
PEAK = 2.0  # MACs per cycle: one multiplier (LLVM's ARMScheduleM7.td), whose SMLAD does two of 16 bits
LOADED = 8  # bytes per cycle from DTCM or a hit in the data cache: two banks of 32 bits (Arm DDI 0489)
LINE = 32  # bytes of a cache line
PLACES = {"dtcm": "tensors in DTCM", "sram": "tensors in SRAM", "both": "tensors in both"}
CAPTION = (
    "Per MAC: cycles per multiply-accumulate. Bytes: input, output and weights of a layer, each value once; layers"
    " without MACs have no point. Roofs: SMLAD, 2 MACs per cycle; DTCM and cache hits, 8 bytes per cycle; a new cache"
    " line costs its 4 cycles of loads and a miss of {sram} (SRAM) or {flash} cycles (flash at {states} wait states),"
    " as in the timing model ({name}). A layer whose data are still in the 4 KB cache may lie above these two."
)


def penalties(wait_states: int) -> dict[str, int]:
    """Cycles that a line costs before its bytes can be loaded, as the timing model charges them."""
    memory = Parameters.load().memory
    return {"SRAM": memory.sram_line, "flash": max(1, memory.flash_line_at_7_wait_states - 7 + wait_states)}


def roofs(wait_states: int) -> dict[str, float]:
    """Bytes per cycle of each memory."""
    missed = {f"{name}, new line": LINE / (cost + LINE / LOADED) for name, cost in penalties(wait_states).items()}
    return {"DTCM, cache hit": LOADED, **missed}


def place(row: Row) -> str:
    """A key of PLACES."""
    regions = {*row.reads.split("+"), *row.writes.split("+")} - {""}
    return "both" if len(regions) > 1 else "".join(regions) or "sram"


def draw(rows: Sequence[Row], heading: str, wait_states: int, target: Path) -> list[Path]:
    """Writes target.pdf and target.png: layers in place of their stage; the roofline where there are MACs."""
    nets = {row.stage for row in rows if row.layer}
    bars = [row for row in rows if row.layer or row.stage not in nets]
    points = [row for row in bars if row.macs and row.cycles]
    colours = dict(zip(PLACES, style.setup(), strict=False))
    from matplotlib import pyplot
    from matplotlib.patches import Patch

    heights = [0.19 * len(bars) + 0.5, *[3.0] * bool(points)]
    size = (7.2, sum(heights) + 0.9)
    figure, axes = pyplot.subplots(
        len(heights), 1, figsize=size, height_ratios=heights, squeeze=False, layout="constrained"
    )
    numbers = {row: number for number, row in enumerate(points, 1)}
    _bars(axes[0, 0], bars, numbers, colours)
    axes[0, 0].set_title(heading, loc="left")
    used = [key for key in PLACES if any(place(row) == key for row in bars)]
    handles = [Patch(facecolor=colours[key], label=PLACES[key]) for key in used]
    axes[0, 0].legend(handles=handles, frameon=False, fontsize=7, loc="best")
    if points:
        _roofline(axes[1, 0], numbers, roofs(wait_states), colours)
        cost = penalties(wait_states)
        words = CAPTION.format(sram=cost["SRAM"], flash=cost["flash"], states=wait_states, name=Parameters.load().name)
        style.caption(figure, words)
    return style.save(figure, target.parent, target.name)


def _bars(axis: Axes, bars: Sequence[Row], numbers: Mapping[Row, int], colours: Mapping[str, Colour]) -> None:
    names = [(f"{numbers[row]}  " if row in numbers else "") + _name(row) for row in bars]
    axis.barh(range(len(bars)), [row.cycles for row in bars], color=[colours[place(row)] for row in bars], linewidth=0)
    for position, row in enumerate(bars):
        per_mac = f"  {row.per_mac:.2f} per MAC" if row.per_mac is not None else ""
        words = f"{row.cycles:,}{per_mac}"
        axis.annotate(
            words, (row.cycles, position), (3, 0), textcoords="offset points", va="center", fontsize=6.5, color="0.25"
        )
    axis.set_yticks(range(len(bars)), names, fontsize=7)
    axis.set_ylim(len(bars) - 0.4, -0.6)
    axis.set_xlim(0, 1.3 * max(row.cycles for row in bars))
    axis.set_xlabel("Cycles")
    axis.xaxis.set_major_formatter("{x:,.0f}")
    axis.tick_params(axis="x", labelsize=7)
    axis.grid(visible=False)
    for side in ("top", "right", "left"):
        axis.spines[side].set_visible(False)


def _name(row: Row) -> str:
    return f"{row.stage.partition(':')[2]}/{row.layer}" if row.layer else row.stage


def _roofline(
    axis: Axes, numbers: Mapping[Row, int], memories: Mapping[str, float], colours: Mapping[str, Colour]
) -> None:
    spots = {row: (row.macs / (row.tensor_bytes + row.weight_bytes), row.macs / row.cycles) for row in numbers}
    low = min(0.05, *(x for x, _ in spots.values()))
    high = max(20.0, *(x for x, _ in spots.values()))
    ends = [low / 1.5, high * 1.5]
    axis.plot(ends, [PEAK, PEAK], color="0.2", linewidth=1)
    axis.annotate("SMLAD", (ends[1], PEAK), (-3, 3), textcoords="offset points", ha="right", fontsize=7)
    for (name, rate), dash in zip(memories.items(), ("-", "--", ":"), strict=True):
        axis.plot([ends[0], PEAK / rate], [ends[0] * rate, PEAK], color="0.4", linewidth=1, linestyle=dash, label=name)
    for row, (x, y) in spots.items():
        axis.plot(x, y, "o", color=colours[place(row)], markersize=4)
        axis.annotate(str(numbers[row]), (x, y), (3, 2), textcoords="offset points", fontsize=6.5)
    axis.set(xscale="log", yscale="log", xlim=ends, xlabel="MACs per byte", ylabel="MACs per cycle")
    axis.set_ylim(0.7 * min(0.1, *(y for _, y in spots.values())), 1.7 * PEAK)
    axis.tick_params(labelsize=7)
    axis.grid(color="0.92")
    axis.legend(frameon=False, fontsize=7, loc="lower right")
