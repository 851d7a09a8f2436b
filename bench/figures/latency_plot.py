"""The drawing of fig_latency: stacked bars of the four parts of latency; the paper's bars (hatched) below ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from bench.figures import style
from bench.results import Row, parts

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PARTS = {"local": "Local network", "compress": "Compression", "network": "Transmission", "remote": "Remote network"}
Bar: TypeAlias = dict[str, Row]
CAPTION = (
    "Solid: this work (device time {device}, link time modelled, server time measured).\n"
    "Pale and hatched: the paper's Figure 16. Whiskers: 95 % bootstrap interval of the total over images.\n"
    "Percentages: accuracy on the full test set (*: recorded earlier). "
    "Other images: a re-split, or a part of the paper's."
)


def draw(rows: Sequence[Row], folder: Path) -> list[Path]:
    """fig_latency.pdf and .png of protocol `paper`, fig_latency_PROTOCOL of another; nothing to draw -> no file."""
    panels: dict[tuple[str, str, str], dict[str, Bar]] = {}
    for row in rows:
        panels.setdefault((row.dataset, row.protocol, row.conditions), {}).setdefault(row.method, {})[row.metric] = row
    files = []
    for protocol in sorted({key[1] for key in panels}):
        whole = {
            key: {method: bar for method, bar in bars.items() if {*PARTS, "total"} <= {*bar}}
            for key, bars in panels.items()
            if key[1] == protocol
        }
        if whole := {key: bars for key, bars in whole.items() if bars}:
            name = "fig_latency" + f"_{protocol}" * (protocol != "paper")
            files += style.save(_figure(whole), folder, name)
    return files


def _figure(panels: Mapping[tuple[str, str, str], dict[str, Bar]]) -> Figure:
    """A panel per data set and conditions of one protocol."""
    colours = style.setup()
    from matplotlib import pyplot
    from matplotlib.patches import Patch

    ordered = sorted(panels, key=lambda key: (style.rank(key[0]), key))
    columns = 2 if len(ordered) > 1 else 1
    tallest = [max(len(panels[key]) for key in ordered[i : i + columns]) for i in range(0, len(ordered), columns)]
    heights = [0.75 + 0.42 * bars for bars in tallest]
    figure, axes = pyplot.subplots(
        len(heights), columns, figsize=(7.2, sum(heights) + 0.85), squeeze=False, layout="constrained",
        height_ratios=heights,
    )  # fmt: skip
    everywhere = {_conditions(key[2]) for key in ordered}
    for axis, key, bars in zip(axes.flat, ordered, [n for n in tallest for _ in range(columns)], strict=False):
        _panel(axis, key, panels[key], colours)
        axis.set_ylim(bars - 0.3, -0.4)
        if len(everywhere) > 1:
            axis.set_title(f"{axis.get_title('left')}\n{_conditions(key[2])}", loc="left", fontsize=8)
    for axis in axes.flat[len(ordered) :]:
        axis.set_axis_off()
    handles = [Patch(facecolor=colours[i], label=label) for i, label in enumerate(PARTS.values())]
    figure.legend(handles=handles, loc="outside upper center", ncols=4, frameon=False, fontsize=8)
    labels = sorted({bar["local"].label for bars in panels.values() for bar in bars.values()})
    caption = CAPTION.format(device=" or ".join(labels))
    if len(everywhere) == 1:
        caption = f"Link and clock: {everywhere.pop()}. {caption}"
    figure.supxlabel(caption, fontsize=6.5, color="0.3")
    return figure


def _panel(
    axis: Axes, key: tuple[str, str, str], bars: dict[str, Bar], colours: list[tuple[float, float, float]]
) -> None:
    dataset, protocol, _ = key
    methods = sorted(bars, key=style.rank)
    longest = 0.0
    ticks = []
    for place, method in enumerate(methods):
        bar = bars[method]
        paper = {part: value for part in (*PARTS, "total") if (value := bar[part].paper_value) is not None}
        ticks.append(place + (0.2 if paper else 0))
        _bar(axis, place, [bar[part].value for part in PARTS], colours, pale=False)
        total = bar["total"]
        if total.ci_low is not None and total.ci_high is not None:
            spread = [[max(0.0, total.value - total.ci_low)], [max(0.0, total.ci_high - total.value)]]
            axis.errorbar(total.value, place, xerr=spread, color="0.15", linewidth=0.8, capsize=2)
        end = max(total.value, total.ci_high or 0.0)
        axis.annotate(_text(bar), (end, place), (4, 0), textcoords="offset points", va="center", fontsize=7)
        longest = max(longest, end)
        if paper:
            _bar(axis, place + 0.4, [paper.get(part, 0.0) for part in PARTS], colours, pale=True)
            sums = paper.get("total", sum(paper.values()))
            accuracy = bar["accuracy"].paper_value if "accuracy" in bar else None
            words = f"paper {_ms(sums)}" + (f", {accuracy:.1f} %" if accuracy is not None else "")
            axis.annotate(
                words, (sums, place + 0.4), (4, 0), textcoords="offset points", va="center", fontsize=7, color="0.4"
            )  # fmt: skip
            longest = max(longest, sums)
    recorded = all(row.source == "recorded" for bar in bars.values() for row in bar.values())
    parts = [style.title(dataset), f"protocol {protocol}" * (protocol != "paper"), "recorded" * recorded]
    parts.append(style.caution(row for bar in bars.values() for row in bar.values()))
    axis.set_title(", ".join(filter(None, parts)), loc="left", fontsize=9)
    boards = [" (board)" * (bars[method]["local"].label == "measured") for method in methods]
    axis.set_yticks(ticks, [style.title(method) + board for method, board in zip(methods, boards, strict=True)])
    axis.set_xlim(0, longest * 1.7 or 1)
    axis.set_xlabel("Latency per image (ms)")
    axis.grid(visible=False, axis="y")
    axis.grid(color="0.92", axis="x")
    for side in ("top", "right", "left"):
        axis.spines[side].set_visible(False)


def _bar(
    axis: Axes, place: float, values: list[float], colours: list[tuple[float, float, float]], *, pale: bool
) -> None:
    left = 0.0
    for value, colour in zip(values, colours, strict=False):
        pale_colour = tuple(0.45 * channel + 0.55 for channel in colour)
        look = {"color": pale_colour, "hatch": "/////", "edgecolor": "white"} if pale else {"color": colour}
        axis.barh(place, value, height=0.36, left=left, linewidth=0, **look)
        left += value


def _text(bar: Bar) -> str:
    words = _ms(bar["total"].value)
    if "accuracy" in bar:
        earlier = bar["accuracy"].source == "recorded" and bar["total"].source == "live"
        return words + f", {bar['accuracy'].value:.1f} %" + "*" * earlier
    if "accuracy_sample" in bar:
        return words + f", {bar['accuracy_sample'].value:.0f} % of {bar['accuracy_sample'].n}"
    return words


def _ms(value: float) -> str:
    return f"{value:.1f} ms" if value >= 10 else f"{value:.2f} ms"


def _conditions(conditions: str) -> str:
    values = parts(conditions)
    rate, clock = float(values.get("bandwidth_kbps", "nan")), values.get("cpu_mhz", "?")
    air = f"{rate / 1000:g} Mbps" if rate >= 1000 else f"{rate:g} kbps"
    return ", ".join([air, f"{clock} MHz", *(f"modem at {baud} baud" for baud in [values.get("uart_baud")] if baud)])
