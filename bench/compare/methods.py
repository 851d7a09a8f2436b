"""Two methods on the same images: differences image by image, and McNemar's test for accuracy."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bench import stats
from bench.accuracy import right
from bench.figures import cells, operating
from bench.link import Link

if TYPE_CHECKING:
    from bench.figures.cases import Case

HEADER = ("per image", "first", "second", "second - first", "95 % interval", "images", "label")


def compare(args: argparse.Namespace, cases: Sequence[Case]) -> str:
    """The table of two cases of one data set. args: the options of a Study with images."""
    import pandas as pd

    correct = accuracies(args, cases)
    link = Link(operating.RATE)
    first, second = operating.measure(args, cases, "compare")[0]
    lines = [
        line("accuracy (%)", 100.0 * correct[0], 100.0 * correct[1], "measured"),
        line("payload (bytes)", first.up, second.up, "emulated"),
        line("device (ms)", first.compute_ms, second.compute_ms, "emulated"),
        line("network (ms)", first.network_ms(link), second.network_ms(link), "modelled"),
        line("total (ms)", first.total_ms(link), second.total_ms(link), "mixed"),
    ]
    names = [case.deployment.method for case in cases]
    table = pd.DataFrame(lines, columns=list(HEADER)).to_string(index=False)
    return f"first: {names[0]}, second: {names[1]}\n{table}\n\n{verdict(names, *correct)}"


def accuracies(args: argparse.Namespace, cases: Sequence[Case]) -> list[np.ndarray]:
    """Per case: for each image of the test split, whether it is classified rightly."""
    code = cells.code_hash(cells.ACCURACY_CODE)
    todo = [cells.of(right, case, args, code, f"{case.dataset.counts['test']} test images") for case in cases]
    return [np.array(found, bool) for found in cells.run(todo, args)]


def line(name: str, first: np.ndarray, second: np.ndarray, label: str) -> tuple[str, ...]:
    """Means, the mean of the paired differences and its bootstrap interval."""
    differences = np.asarray(second, float) - np.asarray(first, float)
    low, high = stats.interval([differences])
    between = "-" if low is None else f"{low:+.4g} to {high:+.4g}"
    means = (f"{np.mean(values):.4g}" for values in (first, second))
    return (name, *means, f"{differences.mean():+.4g}", between, str(len(differences)), label)


def verdict(names: Sequence[str], first: np.ndarray, second: np.ndarray) -> str:
    """What McNemar's exact test says."""
    ours, theirs, p = stats.mcnemar(first, second)
    told = "tells them apart" if p < 1 - stats.CONFIDENCE else "does not tell them apart"
    return (
        f"{names[0]} alone is right on {ours} images, {names[1]} alone on {theirs}, both or neither on the other "
        f"{len(first) - ours - theirs}: p = {p:.2g} (McNemar, exact); accuracy {told} at 5 %"
    )
