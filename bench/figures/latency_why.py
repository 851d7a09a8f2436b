"""What the numbers of fig_latency mean beside the paper's: verdicts and disagreements explained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench.figures.latency_rows import ASSUMED
from bench.figures.style import title
from bench.paper import AGREES_POINTS, agrees, verdict
from bench.results import Row

REFERENCE = "agilenn"
IMAGES = "the images are a re-split, a reduced set or not a data set of the paper: no verdict"
SIZED = "its encoder is sized so that its device time has the paper's ratio to AgileNN's: local and total prove nothing"
# (method, metric) -> why ours is another number; method "" for those without one of their own
BECAUSE: Mapping[tuple[str, str], str] = {
    ("", "accuracy"): "short trainings here (README.md, training budget), 200 epochs on a GPU there",
    (
        "",
        "local",
    ): "networks are compiled to kernels of their own here; AgileNN's time in the paper is 17 cycles per MAC, "
    "an interpreter's",
    ("mcunet", "local"): "kernels and network are ours; which MCUNet the paper ran is not stated",
    ("", "compress"): "how the paper's coders run is not stated; here they are C with their tables in fast memory",
    ("", "network"): "bytes and headers at the nominal rate here; the paper's packets and serial line are not stated",
    (
        "edge_only",
        "network",
    ): "the paper's time carries 56 KB at 6 Mbps (CIFAR-10), twice the raw 96x96 frame; LZW makes "
    "about the frame's own 27,648 bytes of it",
    ("", "remote"): "two CPU cores under LiteRT here, an RTX A6000 under TensorFlow there",
}
LEADS = {"better": "AgileNN leads by less than in the paper", "worse": "AgileNN leads by more than in the paper"}


def reasons(block: Sequence[Row]) -> list[str]:
    """Sentences below the table of one data set, method, protocol and conditions."""
    verdicts, method = {row.verdict for row in block}, block[0].method
    found = []
    if method.endswith(ASSUMED):
        found.append(f"not_comparable: {SIZED}")
    elif "not_comparable" in verdicts:
        found.append(f"not_comparable: {IMAGES}")
    if "unmatched" in verdicts:
        found.append(f"unmatched: {_gap(block)}")
    return found + [f"{row.metric} differs: {why}" for row in block if (why := because(row))]


def because(row: Row) -> str:
    """Why our number is not the paper's; "" where it is, or where nothing is known."""
    if row.paper_value is None or agrees(row.unit, row.value, row.paper_value):
        return ""
    return BECAUSE.get((row.method.partition(":")[0], row.metric), BECAUSE.get(("", row.metric), ""))


def _gap(block: Sequence[Row]) -> str:
    ours = next((row for row in block if row.metric == "accuracy" and row.paper_value is not None), None)
    if ours is None or ours.paper_value is None:
        return "our accuracy is not known here, so nothing says that the latencies are of one operating point"
    gap = ours.value - ours.paper_value
    return (
        f"our accuracy is {abs(gap):.1f} points {'below' if gap < 0 else 'above'} the paper's: other operating points"
    )


def multiples(rows: Sequence[Row]) -> str:
    """A line per method: its latency as a multiple of AgileNN's, ours and the paper's; "" where AgileNN is missing.

    A verdict only where both accuracies on the same images are within a point.
    """
    blocks: dict[tuple[str, str, str], dict[str, dict[str, Row]]] = {}
    for row in rows:
        key = (row.dataset, row.protocol, row.conditions)
        blocks.setdefault(key, {}).setdefault(row.method, {})[row.metric] = row
    found = []
    for (dataset, protocol, _), methods in sorted(blocks.items()):
        base = methods.get(REFERENCE, {})
        for method, metrics in sorted(methods.items()):
            if method != REFERENCE and "total" in base and "total" in metrics:
                found.append(f"  {title(dataset)} ({protocol}), {title(method)}: {_multiple(metrics, base)}")
    return "\n".join(["Latency as a multiple of AgileNN's:", *found]) if found else ""


def _multiple(own: Mapping[str, Row], base: Mapping[str, Row]) -> str:
    ours = own["total"].value / base["total"].value
    text = f"{ours:.2f}"
    whole = "accuracy" in own and "accuracy" in base
    gap = own["accuracy"].value - base["accuracy"].value if whole else None
    theirs = None
    if own["total"].paper_value and base["total"].paper_value:
        theirs = own["total"].paper_value / base["total"].paper_value
        text += f", the paper's {theirs:.2f}"
    comparable = own["total"].verdict != "not_comparable"
    found = verdict("ratio", ours, theirs, comparable=comparable, gap=gap)
    points = "; accuracies unknown" if gap is None else f"; {gap:+.1f} points of accuracy"
    if gap is None or abs(gap) > AGREES_POINTS:
        return f"{text}{points}; unmatched"
    return f"{text}{points}; {LEADS.get(found, found)}"
