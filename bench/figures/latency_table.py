"""The terminal table of fig_latency: ours, the paper's, ratio, verdict and label of each row; and why."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import indent
from typing import Any

from bench.figures.style import title
from bench.results import Row

METRICS = (
    "accuracy", "accuracy_sample", "local", "compress", "network", "serial", "remote", "total", "payload_up", "payload_down",
)  # fmt: skip
HEADER = ("metric", "ours", "95 % interval", "paper", "ratio", "verdict", "label", "source", "n")
WHY = {
    "not_comparable": "the images are a re-split, a reduced set or not a data set of the paper: no verdict",
    "unmatched": "our accuracy and the paper's are over 1 point apart (or ours is unknown): other operating points",
}


def table(rows: Sequence[Row]) -> str:
    """One block per data set, method, protocol and conditions."""
    import pandas as pd

    if not rows:
        return ""
    blocks, ordered = [], sorted(rows, key=_rank)
    for key, block in pd.DataFrame(ordered).groupby(["dataset", "method", "protocol", "conditions"]):
        dataset, method, protocol, conditions = map(str, key)
        heading = f"{title(dataset)}, {title(method)} (protocol {protocol}; {conditions.replace(';', ', ')})"
        cells = pd.DataFrame([_cells(row) for row in block.itertuples()], columns=list(HEADER))
        reasons = [f"  {verdict}: {why}" for verdict, why in WHY.items() if verdict in set(block["verdict"])]
        blocks.append("\n".join([heading, indent(cells.to_string(index=False), "  "), *reasons]))
    return "\n\n".join(blocks)


def _cells(row: Any) -> tuple[str, ...]:
    import pandas as pd

    unit = {"percent": "%"}.get(row.unit, row.unit)
    spread = "-" if pd.isna(row.ci_low) else f"{_number(row.ci_low)} to {_number(row.ci_high)}"
    paper = "-" if pd.isna(row.paper_value) else f"{_number(row.paper_value)} {unit}"
    ratio = "-" if pd.isna(row.ratio) else f"{row.ratio:.2f}"
    return (
        row.metric,
        f"{_number(row.value)} {unit}",
        spread,
        paper,
        ratio,
        row.verdict,
        row.label,
        row.source,
        str(row.n),
    )


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.1f}" if abs(value) >= 100 else f"{value:.2f}"


def _rank(row: Row) -> int:
    return METRICS.index(row.metric) if row.metric in METRICS else len(METRICS)
