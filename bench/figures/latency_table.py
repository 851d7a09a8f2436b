"""The terminal table of fig_latency: ours, the paper's, ratio, verdict and label of each row; and why."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import indent

from bench.figures.latency_why import multiples, reasons
from bench.figures.style import title, unit
from bench.results import Row

METRICS = (
    "accuracy", "accuracy_sample", "accuracy_local", "accuracy_server", "local", "compress", "network", "serial",
    "remote", "total", "payload_up", "payload_down",
)  # fmt: skip
HEADER = ("metric", "ours", "95 % interval", "paper", "ratio", "verdict", "label", "source", "n")
ALONE = {"accuracy_local": "the Local NN alone", "accuracy_server": "the server's network alone, on the frame itself"}


def table(rows: Sequence[Row]) -> str:
    """One block per data set, method, protocol and conditions; then latencies as multiples of AgileNN's."""
    import pandas as pd

    blocks: dict[tuple[str, str, str, str], list[Row]] = {}
    for row in sorted(rows, key=lambda row: (row.key[:5], _rank(row))):
        blocks.setdefault((row.dataset, row.method, row.protocol, row.conditions), []).append(row)
    found = []
    for (dataset, method, protocol, conditions), block in blocks.items():
        heading = f"{title(dataset)}, {title(method)} (protocol {protocol}; {conditions.replace(';', ', ')})"
        cells = pd.DataFrame([_cells(row) for row in block], columns=list(HEADER)).to_string(index=False)
        below = [f"{row.metric}: {ALONE[row.metric]}" for row in block if row.metric in ALONE] + reasons(block)
        found.append("\n".join([heading, indent(cells, "  "), *(f"  {line}" for line in below)]))
    return "\n\n".join(filter(None, [*found, multiples(rows)]))


def _cells(row: Row) -> tuple[str, ...]:
    shown = unit(row.unit)
    spread = "-" if row.ci_low is None or row.ci_high is None else f"{_number(row.ci_low)} to {_number(row.ci_high)}"
    return (
        row.metric,
        f"{_number(row.value)}{shown}",
        spread,
        "-" if row.paper_value is None else f"{_number(row.paper_value)}{shown}",
        "-" if row.ratio is None else f"{row.ratio:.2f}",
        row.verdict,
        row.label,
        row.source,
        str(row.n),
    )


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.1f}" if abs(value) >= 100 else f"{value:.2f}"


def _rank(row: Row) -> int:
    return METRICS.index(row.metric) if row.metric in METRICS else len(METRICS)
