"""`table_tx`: bytes that each method sends per image, and how many fewer AgileNN sends than DeepCOD (Table 2)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench.figures import pairs_plot, style
from bench.figures.operating_study import Sweep
from bench.paper import beside
from bench.results import Row

if TYPE_CHECKING:
    from bench.figures.operating_rows import OperatingRows

OTHER = "deepcod"
PANELS = {"payload_up": "Bytes per image", "tx_reduction_vs_deepcod": "Less than DeepCOD (%)"}
CAPTION = (
    "Payload to the server, mean over the images that the board ran (an image that the device decides sends nothing). "
    "Hatched: the paper's Table 2. Whiskers: 95 % bootstrap interval over images."
)
WHY = (
    "The paper's Table 2 and its Figure 16 disagree on CIFAR-10: 43.7 % fewer bytes, 5.7 % less network time. What\n"
    "DeepCOD sends is a setting (its rate): this percentage says as much about the rate chosen for DeepCOD as about\n"
    "AgileNN. fig_compression has the curves."
)


class TableTx(Sweep):
    name = "table_tx"
    claim = "bytes per image that each method sends, and AgileNN's reduction against DeepCOD at matched accuracy"
    figure = "Table 2"
    minutes = "5"

    def rows_of(self, makers: Sequence[OperatingRows]) -> list[list[Row]]:
        other = next((maker for maker in makers if maker.operating.case.key[1] == OTHER), None)
        return [rows_of(maker, other) for maker in makers]

    def draw(self, rows: Sequence[Row], folder: Path) -> list[Path]:
        return pairs_plot.draw(self.name, rows, folder, PANELS, CAPTION)

    def table(self, rows: Sequence[Row]) -> str:
        return "\n\n".join([super().table(rows), *gaps(rows), WHY])


def rows_of(maker: OperatingRows, other: OperatingRows | None) -> list[Row]:
    """Accuracy, bytes, bytes with packet headers, share of the raw frame; against DeepCOD where that is here."""
    from bench import stats
    from bench.figures.operating import RATE
    from bench.link import Link

    one, link = maker.operating, Link(RATE)
    up = one.up.astype(float)
    air = np.array([link.air_bytes(int(count)) if count else 0 for count in up], float)
    frame = float(np.prod(one.case.deployment.frame))
    made = [
        maker.accuracy(),
        maker.row("payload_up", up.mean(), "bytes", "emulated", stats.interval([up])),
        maker.row("air_bytes", air.mean(), "bytes", "modelled", stats.interval([air])),
        maker.row("payload_of_frame", 100 * up.mean() / frame, "percent", "emulated"),
    ]
    if other and other is not maker and one.offloads:
        made.append(reduction(maker, other))
    return made


def reduction(maker: OperatingRows, other: OperatingRows) -> Row:
    """Percent fewer bytes than DeepCOD, on the same images; a verdict only where accuracies are within a point."""
    from bench import stats

    one, base = maker.operating, other.operating
    up, more = one.up.astype(float), base.up.astype(float)
    spread = stats.interval([up, more], less)
    row = maker.row("tx_reduction_vs_deepcod", float(less(up, more)), "percent", "emulated", spread)
    gap = one.full.percent - base.full.percent if one.full and base.full else None
    return beside(row, maker.theirs("table2", row.metric), comparable=one.case.comparable, gap=gap)


def less(up: np.ndarray, other: np.ndarray, axis: int = -1) -> np.ndarray:
    """Percent by which a mean is below another, along axis."""
    return np.asarray(100 - 100 * np.mean(up, axis=axis) / np.mean(other, axis=axis))


def gaps(rows: Sequence[Row]) -> list[str]:
    """A sentence per reduction: how far apart the two accuracies are."""
    accuracy = {(r.dataset, r.protocol, r.method): r.value for r in rows if r.metric == "accuracy"}
    found = []
    for row in rows:
        ours, base = (accuracy.get((row.dataset, row.protocol, method)) for method in (row.method, OTHER))
        if row.metric == "tx_reduction_vs_deepcod":
            gap = "accuracies unknown" if ours is None or base is None else f"{ours - base:+.1f} points of accuracy"
            share = f"{row.value:.1f} % less than" if row.value >= 0 else f"{1 - row.value / 100:.1f} times as much as"
            found.append(f"{style.title(row.dataset)}, {style.title(row.method)}: {share} DeepCOD at {gap}")
    return ["\n".join(found)] if found else []
