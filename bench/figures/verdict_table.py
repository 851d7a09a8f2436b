"""Plain tables of rows, the paper's values and verdicts beside those that have them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bench.figures import style
from bench.results import Row

WHY = {
    "not_comparable": "other images than the paper's, or a number that counts something else: no verdict",
    "unmatched": "our accuracy and the paper's are over 1 point apart (or ours is unknown): other operating points",
}


def table(rows: Sequence[Row]) -> str:
    """One block per data set, method and protocol; below all of them what the verdicts mean."""
    import pandas as pd

    blocks: dict[tuple[str, str, str], list[dict[str, str]]] = {}
    published = any(row.paper_value is not None for row in rows)
    for row in sorted(rows, key=_rank):
        blocks.setdefault((row.dataset, row.method, row.protocol), []).append(_cells(row, published))
    found = [
        f"{style.title(dataset)}, {style.title(method)} (protocol {protocol})\n"
        + pd.DataFrame(lines).to_string(index=False)
        for (dataset, method, protocol), lines in blocks.items()
    ]
    reasons = [f"{verdict}: {why}" for verdict, why in WHY.items() if any(row.verdict == verdict for row in rows)]
    return "\n\n".join([*found, *reasons])


def _cells(row: Row, published: bool) -> dict[str, str]:
    """published: with columns for the paper."""
    unit = style.unit(row.unit)
    theirs = {
        "paper": "-" if row.paper_value is None else f"{row.paper_value:.4g}{unit}",
        "ratio": "-" if row.ratio is None else f"{row.ratio:.2f}",
        "verdict": row.verdict,
    }
    return {
        "conditions": row.conditions.replace(";", " ") or "-",
        "metric": row.metric,
        "ours": f"{row.value:.4g}{unit}",
        "95 % interval": "-" if row.ci_low is None else f"{row.ci_low:.4g} to {row.ci_high:.4g}",
        **(theirs if published else {}),
        "label": row.label,
        "source": row.source,
        "n": str(row.n),
    }


def _rank(row: Row) -> tuple[object, ...]:
    """Data sets and methods as in the figures; under them metric by metric, conditions by their numbers."""
    numbers = [(float(value) if _is_number(value) else 0.0, value) for value in row.where.values()]
    return (style.rank(row.dataset), style.rank(row.method), row.protocol, row.metric, numbers)


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[+-]?\d+(\.\d*)?(e[+-]?\d+)?", text) is not None
