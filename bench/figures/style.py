"""How figures look: one place for fonts, colours and file settings, so that all of them match and print well."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from bench.files import replace
from bench.results import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TITLES = {
    "cifar10": "CIFAR-10",
    "cifar100": "CIFAR-100",
    "svhn": "SVHN",
    "svhn_grey": "SVHN (grey re-split)",
    "imagenet200": "ImageNet-200",
    "digits": "Digits",
    "agilenn": "AgileNN",
    "edge_only": "Edge-only",
    "deepcod": "DeepCOD",
    "spinn": "SPINN",
    "mcunet": "MCUNet",
}

DATASETS = ("cifar10", "cifar100", "svhn", "svhn_grey", "imagenet200", "digits")  # in this order
METHODS = ("agilenn", "deepcod", "spinn", "edge_only", "mcunet")


Colour: TypeAlias = tuple[float, float, float]


def method_colours(methods: Iterable[str], palette: Sequence[Colour]) -> dict[str, Colour]:
    """Every method its colour, in the order of all figures; the known ones have the same in each."""
    others = sorted({*methods} - {*METHODS})
    chosen = {name: palette[i % len(palette)] for i, name in enumerate((*METHODS, *others))}
    return {name: chosen[name] for name in sorted({*methods}, key=rank)}


def rank(name: str) -> tuple[int, str]:
    """Sorts data sets and methods (a variant behind its method) in the order of all figures, others behind them."""
    bare, known = name.partition(":")[0], (*DATASETS, *METHODS)
    return (known.index(bare) if bare in known else len(known), name)


def title(name: str) -> str:
    """A data set's or method's printed name; a variant keeps its suffix (agilenn:text -> AgileNN:text)."""
    bare, colon, variant = name.partition(":")
    return TITLES.get(bare, bare) + colon + variant


def unit(name: str) -> str:
    """What stands behind a number of a row's unit, space included: " ms", " %", " x" for a ratio, "" for "1"."""
    return {"percent": " %", "ratio": " x", "1": ""}.get(name, f" {name}")


def rate(kbps: float) -> str:
    """The rate of a link in kbps, as it stands on axes and beside points: "270 k", "6.96 M"."""
    return f"{kbps / 1000:.3g} M" if kbps >= 1000 else f"{kbps:.0f} k"


def heading(dataset: str, protocol: str, method: str = "") -> str:
    """Names what a panel or a line is about; the protocol only where it is not the paper's."""
    names = f"{title(dataset)}, {title(method)}" if method else title(dataset)
    return names + f" ({protocol})" * (protocol != "paper")


def caution(rows: Iterable[Row]) -> str:
    """What a panel's title says where the paper's latencies of other images stand beside ours."""
    found = {row.verdict for row in rows if row.metric == "total" and row.paper_value is not None}
    return "other images" * (found == {"not_comparable"})


def setup() -> list[tuple[float, float, float]]:
    """Sets the drawing defaults (no display needed) and returns the colours, told apart by colour-blind readers too."""
    import matplotlib

    matplotlib.use("Agg")
    import seaborn

    seaborn.set_theme(context="paper", style="whitegrid", font="DejaVu Sans")
    matplotlib.rcParams.update(
        {"pdf.fonttype": 42, "font.size": 8, "axes.titlesize": 9, "axes.labelsize": 8, "hatch.linewidth": 0.5}
    )
    return list(seaborn.color_palette("colorblind"))


def plain_log(axes: Axes, which: str) -> None:
    """A logarithmic axis ("x" or "y") that says 0.5, 1, 2, 5, ... 1,000."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    getattr(axes, f"set_{which}scale")("log")
    axis = getattr(axes, f"{which}axis")
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axis.set_minor_locator(NullLocator())


def caption(figure: Figure, text: str) -> None:
    """Small print below a drawing, as wide as the drawing."""
    figure.supxlabel(textwrap.fill(text, round(20.5 * figure.get_figwidth())), fontsize=6.5, color="0.3")


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Writes NAME.pdf and NAME.png, each in one step and without a date, so that equal rows give equal files."""
    import io

    from matplotlib import pyplot

    files = []
    for kind, metadata in {
        "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
        "png": {"Software": None},
    }.items():
        out = io.BytesIO()
        figure.savefig(out, format=kind, dpi=200, metadata=metadata)
        files.append(folder / f"{name}.{kind}")
        replace(files[-1], out.getvalue())
    pyplot.close(figure)
    return files
