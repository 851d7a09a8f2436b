"""`fig_loss`: accuracy and latency when packets get lost, with the device's own answer to fall back on (Section 9)."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.figures import curves_plot
from bench.figures.curves_plot import Panel
from bench.figures.operating_study import Sweep
from bench.results import Row

if TYPE_CHECKING:
    from bench.figures.cases import Case
    from bench.figures.latency_rows import Hits
    from bench.figures.operating import Operating
    from bench.figures.operating_rows import OperatingRows
    from bench.figures.study import Found
    from bench.link import Link

LOSSES = (0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)  # 1: no link at all
PANELS = (
    Panel("accuracy_one_try", "Accuracy, one try (%)", "loss", "Packets lost (share)", log=""),
    Panel("total_resent", "Latency, sent again (ms)", "loss", "Packets lost (share)", log="y"),
)
CAPTION = (
    "6 Mbps, 216 MHz. Left: every packet is sent once; where one of the image's or the reply's is lost, the device "
    "answers by itself (AgileNN's Local NN, SPINN's best exit), or not at all (counted as wrong). Right: lost packets "
    "are sent again at once until they arrive; mean over images."
)


class FigLoss(Sweep):
    name = "fig_loss"
    claim = "accuracy and latency against packet loss up to an outage: the device's own answer as a fallback"
    figure = "Section 9"
    minutes = "5-15"

    def measure(self, args: argparse.Namespace, cases: Sequence[Case]) -> Found:
        self.alone = fallbacks(cases, args)
        return super().measure(args, cases)

    def rows_of(self, makers: Sequence[OperatingRows]) -> list[list[Row]]:
        return [rows_of(maker, self.alone[maker.operating.case.key]) for maker in makers]

    def draw(self, rows: Sequence[Row], folder: Path) -> list[Path]:
        return curves_plot.draw(self.name, rows, folder, PANELS, CAPTION)


def fallbacks(cases: Sequence[Case], args: argparse.Namespace) -> Mapping[tuple[str, str, str], Hits]:
    """What each deployment gets right without any reply."""
    from bench.fallback import count_fallback
    from bench.figures import cells
    from bench.figures.latency_rows import Hits

    code = cells.code_hash((*cells.ACCURACY_CODE, "bench/fallback.py"))
    what = "test images without replies"
    todo = [cells.of(count_fallback, case, args, code, f"{case.dataset.counts['test']} {what}") for case in cases]
    found = cells.run(todo, args)
    return {case.key: Hits(correct, n) for case, (correct, _, n) in zip(cases, found, strict=True)}


def rows_of(maker: OperatingRows, alone: Hits) -> list[Row]:
    """Accuracy with one try and latency with as many as it takes, at each loss; the device's own accuracy."""
    from bench.figures.operating import RATE
    from bench.link import Link

    one, link = maker.operating, Link(RATE)
    made = [maker.accuracy(), maker.counted("accuracy_alone", alone, "measured")]
    for loss in LOSSES:
        at: dict[str, Any] = {"loss": loss}
        made.append(maker.row("accuracy_one_try", one_try(one, alone.percent, link, loss), "percent", "modelled", **at))
        if loss < 1:
            made.append(maker.row("total_resent", resent_ms(one, link, loss), "ms", "mixed", **at))
    return made


def one_try(operating: Operating, alone: float, link: Link, loss: float) -> float:
    """Percent right. alone: percent right without replies. Images that the device decides are in both."""
    sent = [(int(up), int(down)) for up, down in zip(operating.up, operating.down, strict=True) if up]
    arrives = float(np.mean([link.delivered(up, down, loss) for up, down in sent])) if sent else 1.0
    return arrives * operating.accuracy.percent + (1 - arrives) * alone


def resent_ms(operating: Operating, link: Link, loss: float) -> float:
    """Mean: each packet is sent 1 / (1 - loss) times."""
    network = operating.network_ms(link).mean()
    return float(operating.total_ms(link).mean() + network * (1 / (1 - loss) - 1))
