"""Plain tables of rows that have the paper's values beside them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bench.figures import style
from bench.results import Row

WHY = {
    "not_comparable": "other images than the paper's, or a number that counts something else: no verdict",
    "unmatched": "our accuracy and the paper's are over 1 point apart (or ours is unknown): other operating points",
}
HEADER = ("conditions", "metric", "ours", "95 % interval", "paper", "ratio", "verdict", "label", "source", "n")


def table(rows: Sequence[Row]) -> str:
    """One block per data set, method and protocol; below all of them what the verdicts mean."""
    import pandas as pd

    blocks: dict[tuple[str, str, str], list[tuple[str, ...]]] = {}
    for row in sorted(rows, key=_rank):
        unit = {"percent": " %", "1": "", "ratio": " x"}.get(row.unit, f" {row.unit}")
        blocks.setdefault((row.dataset, row.method, row.protocol), []).append(
            (
                row.conditions.replace(";", " ") or "-",
                row.metric,
                f"{row.value:.4g}{unit}",
                "-" if row.ci_low is None else f"{row.ci_low:.4g} to {row.ci_high:.4g}",
                "-" if row.paper_value is None else f"{row.paper_value:.4g}{unit}",
                "-" if row.ratio is None else f"{row.ratio:.2f}",
                row.verdict,
                row.label,
                row.source,
                str(row.n),
            )
        )
    found = [
        f"{style.title(dataset)}, {style.title(method)} (protocol {protocol})\n"
        + pd.DataFrame(lines, columns=list(HEADER)).to_string(index=False)
        for (dataset, method, protocol), lines in blocks.items()
    ]
    reasons = [f"{verdict}: {why}" for verdict, why in WHY.items() if any(row.verdict == verdict for row in rows)]
    return "\n\n".join([*found, *reasons])


def _rank(row: Row) -> tuple[object, ...]:
    """Data sets and methods as in the figures; under them metric by metric, conditions by their numbers."""
    numbers = [(float(value) if _is_number(value) else 0.0, value) for value in re.findall(r"=([^;]*)", row.conditions)]
    return (style.rank(row.dataset), style.rank(row.method), row.protocol, row.metric, numbers)


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[+-]?\d+(\.\d*)?(e[+-]?\d+)?", text) is not None
