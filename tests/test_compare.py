"""compare: two folders, and two methods image by image."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from bench import accuracy, cli, datasets, results, stats
from bench.compare import methods
from bench.method import Deployment
from bench.provenance import ROOT, deployment_hash

RECORDS = ROOT / "results"


def test_mcnemar_is_the_exact_binomial_test() -> None:
    first = np.array([True] * 60 + [False] * 40)
    second = first.copy()
    assert stats.mcnemar(first, second) == (0, 0, 1.0)
    second[:10] = False
    second[60:62] = True
    ours, theirs, p = stats.mcnemar(first, second)
    assert (ours, theirs) == (10, 2)
    assert p == pytest.approx(2 * sum((66, 12, 1)) / 2**12)  # P(at most 2 of 12), both sides
    assert stats.mcnemar(second, first) == (2, 10, p)


def test_differences_are_paired() -> None:
    first = np.arange(100.0)
    _, a, b, difference, between, n, label = methods.line("x", first, first + 2, "emulated")
    assert (a, b, difference, between, n, label) == ("49.5", "51.5", "+2", "+2 to +2", "100", "emulated")
    assert methods.line("x", first[:1], first[:1], "mixed")[4] == "-"


def test_a_verdict_names_who_is_right() -> None:
    one, two = np.array([True] * 30 + [False] * 10), np.array([True] * 20 + [False] * 20)
    said = methods.verdict(("a", "b"), one, two)
    assert "a alone is right on 10 images, b alone on 0, both or neither on the other 30" in said
    assert "tells them apart" in said and "does not" in methods.verdict(("a", "b"), one, one)


def test_two_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = results.read(RECORDS / "fig_reweight.csv")
    apart, within, *rest = [row for row in rows if row.metric == "accuracy"]
    changed = [
        dataclasses.replace(apart, value=apart.value + 30, ci_low=apart.ci_high + 25, ci_high=apart.ci_high + 35),
        dataclasses.replace(within, value=within.value + 1e-3),
    ]  # fmt: skip
    gone = rest[-1].key
    kept = [row for row in rows if row.key not in {apart.key, within.key, gone}]
    plain = [dataclasses.replace(r, paper_value=None, ratio=None, verdict="no_paper_value") for r in (*kept, *changed)]
    results.write(tmp_path / "fig_reweight.csv", plain)
    assert cli.main(["compare", str(RECORDS), str(tmp_path), "--figure", "fig_reweight"]) == 0
    said = capsys.readouterr().out
    assert f"{len(rows) - 1} numbers in both: {len(rows) - 3} equal, 2 differ, 1 by more than their intervals" in said
    assert "1 in the first alone, 0 in the second" in said
    assert said.count("apart") == 1 and "+30" in said


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["results"], "expected two folders, or --methods A B --dataset D; got 1 folders"),
        (["--methods", "agilenn", "edge_only"], "expected one --dataset; got none"),
        (["--methods", "agilenn", "agilenn", "--dataset", "digits"], "got agilenn twice"),
        (
            ["--methods", "agilenn", "edge_only", "--dataset", "digits", "--images", "0"],
            "--images '0'; expected a whole",
        ),
        (["--methods", "agilenn", "foo", "--dataset", "digits"], "unknown method 'foo'; expected one of agilenn, "),
        (["/nowhere", "results"], "no folder /nowhere"),
        (["results", "results", "--figure", "fig_latancy"], "unknown figure 'fig_latancy'"),
        (["bench", "tests"], "have no number in common"),
    ],
)
def test_mistakes(command: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["compare", *command]) == 2
    assert message in capsys.readouterr().err


def test_answers_add_up_to_the_accuracy() -> None:
    data, folder = datasets.load("digits"), RECORDS / "models" / "agilenn" / "digits-paper"
    identity = deployment_hash(Deployment.load(folder))
    asked = {"dataset": "digits", "images": data.fingerprint, "deployment": identity, "folder": folder}
    answers = accuracy.right(**asked, data_dir=None)
    assert set(answers) == {0, 1} and [sum(answers), len(answers)] == accuracy.count_hits(**asked, data_dir=None)
