"""A rule that chooses one training of several on validation images, and what it loses on the test split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.figures.alone import Alone
from bench.figures.trained_point import Point, maker
from bench.figures.trained_sweep import TrainedSweep
from bench.results import Row

SLACK = 1.0  # points of validation accuracy that the rule gives for fewer bits
RULE = (
    f"The rule looks at validation images only: of the settings whose accuracy is within {SLACK:g} point of the best, "
    "the one whose symbols need the fewest bits."
)


class ChosenSweep(TrainedSweep):
    """A sweep that ends in the rule's choice."""

    def ending(self, case: Alone, trainings: Sequence[tuple[Point, Any]]) -> tuple[list[Row], list[str]]:
        """The rows and the sentence about the rule's choice on one data set."""
        point, result = choose(trainings)
        make = maker(self.name, case, point)
        best = max(_accuracy(other) for _, other in trainings)
        payload = [sum(other["outputs"]["payload"]) for _, other in trainings]
        count = len(trainings)
        rows = [
            *(make.number(f"chosen_{name}", float(value), "1", count) for name, value in point.conditions.items()),
            make.number("chosen_accuracy", _accuracy(result), "percent", result["outputs"]["n"]),
            make.number("lost_accuracy", best - _accuracy(result), "percent", count),
            make.number("payload_to_smallest", sum(result["outputs"]["payload"]) / min(payload), "ratio", count),
        ]
        what = ", ".join(f"{name} = {value}" for name, value in point.conditions.items())
        note = (
            f"{case.dataset.name}: the rule (validation accuracy within {SLACK:g} point of the best, then fewest bits) "
            f"chooses {what}; on the test split it loses {best - _accuracy(result):.2f} points to the best of {count}"
        )
        return rows, [note]


def choose(results: Sequence[tuple[Point, Mapping[str, Any]]]) -> tuple[Point, Mapping[str, Any]]:
    """Of the trainings within SLACK of the best validation accuracy, the one that needs the fewest bits there."""
    best = max(_validation(result)["accuracy"] for _, result in results)
    good = [(point, result) for point, result in results if _validation(result)["accuracy"] >= best - SLACK]
    return min(good, key=lambda one: one[1]["sent"] * _validation(one[1])["symbol_entropy"])


def _validation(result: Mapping[str, Any]) -> Mapping[str, Any]:
    said: Mapping[str, Any] = result["training"]["validation"]
    return said


def _accuracy(result: Mapping[str, Any]) -> float:
    said = result["outputs"]
    return 100 * float(said["hits"].get("own", 0)) / float(said["n"])
