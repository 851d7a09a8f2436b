"""The terminal table of fig_latency: ours, the paper's, ratio, verdict and label of each row; and why."""

from __future__ import annotations

from collections.abc import Sequence

from bench.figures.style import title
from bench.results import Row

METRICS = (
    "accuracy", "accuracy_sample", "local", "compress", "network", "remote", "total", "payload_up", "payload_down",
)  # fmt: skip
HEADER = ("metric", "ours", "95 % interval", "paper", "ratio", "verdict", "label", "source", "n")
WHY = {
    "not_comparable": "the images are a re-split, a reduced set or not a data set of the paper: no verdict",
    "unmatched": "our accuracy and the paper's are over 1 point apart (or ours is unknown): other operating points",
}


def table(rows: Sequence[Row]) -> str:
    """One block per data set, method, protocol and conditions."""
    blocks: dict[tuple[str, ...], list[Row]] = {}
    for row in sorted(rows, key=lambda row: (row.dataset, row.method, row.protocol, row.conditions, _rank(row.metric))):
        blocks.setdefault((row.dataset, row.method, row.protocol, row.conditions), []).append(row)
    lines = []
    for (dataset, method, protocol, conditions), block in blocks.items():
        lines.append(f"\n{title(dataset)}, {title(method)} (protocol {protocol}; {conditions.replace(';', ', ')})")
        cells = [HEADER, *(_cells(row) for row in block)]
        widths = [max(len(line[i]) for line in cells) for i in range(len(HEADER))]
        lines += [
            "  " + "  ".join(_align(i, line[i], widths[i]) for i in range(len(HEADER))).rstrip() for line in cells
        ]
        lines += [f"  {verdict}: {why}" for verdict, why in WHY.items() if any(row.verdict == verdict for row in block)]
    return "\n".join(lines).lstrip("\n")


def _cells(row: Row) -> tuple[str, ...]:
    unit = {"percent": "%"}.get(row.unit, row.unit)
    spread = "-" if row.ci_low is None or row.ci_high is None else f"{_number(row.ci_low)} to {_number(row.ci_high)}"
    paper = "-" if row.paper_value is None else f"{_number(row.paper_value)} {unit}"
    ratio = "-" if row.ratio is None else f"{row.ratio:.2f}"
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


def _align(column: int, text: str, width: int) -> str:
    return text.rjust(width) if column in (1, 2, 3, 4, 8) else text.ljust(width)


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.1f}" if abs(value) >= 100 else f"{value:.2f}"


def _rank(metric: str) -> int:
    return METRICS.index(metric) if metric in METRICS else len(METRICS)
