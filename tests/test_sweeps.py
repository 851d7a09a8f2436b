"""Figures that train: which settings they ask for, what their rows and drawings hold, what the rule chooses."""

from __future__ import annotations

import re
import shutil
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from agilenn.config import settings_for
from bench import cli, registry, results
from bench.figures import base, cells
from bench.figures.chosen import choose
from bench.figures.trained_point import Point
from bench.provenance import ROOT
from bench.results import Row

SWEEPS = {
    "fig_skewness": 9, "fig_xai": 3, "fig_lambda": 9, "fig_temperature": 10, "fig_ordering": 3, "fig_preprocess": 6,
    "fig_sensitivity": 27, "fig_bits": 4,
}  # fmt: skip
ASKED: list[dict[str, Any]] = []


def invented(**settings: Any) -> dict[str, Any]:
    """A training that ends better with a higher k and a lower rho."""
    ASKED.append(settings)
    k, rho, lam = (float(re.search(rf"\b{name}=([\d.]+)", settings["method"])[1]) for name in ("k", "rho", "lam"))  # type: ignore[index]
    bits = re.search(r"\bbits=(\d)", settings["method"])
    hits = round(80 + k - 10 * rho + (int(bits[1]) if bits else 0))
    said = {
        "accuracy": float(hits), "skewness": 100 * rho + lam, "violations": 1.5, "reference_accuracy": 90.0,
        "images": 100, "symbol_entropy": 2 - rho + (int(bits[1]) if bits else 0),
    }  # fmt: skip
    return {
        "deployment": "d", "sent": round(24 - k), "down": 20, "skewness": [70.0, 80.0] if settings["n"] else [],
        "training": {
            "test": said, "validation": said, "alpha": 0.2, "cpu_hours": 0.01, "epochs": 2, "curve": [0.5, 0.8],
            "cores": 2,
        },
        "outputs": {"n": 100, "hits": {"own": hits}, "payload": [200, 220], "symbols": [60, 40]},
        "device_ms": [2.0, 2.2], "firmware": {"timing_model": "3"},
    }  # fmt: skip


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    ASKED.clear()
    shutil.copytree(ROOT / "results" / "paper", tmp_path / "committed" / "paper")
    monkeypatch.setattr(base, "RESULTS", tmp_path / "committed")
    replaced: Any = types.ModuleType("bench.figures.trained_cells")  # the real one imports TensorFlow
    replaced.trained = invented
    monkeypatch.setitem(sys.modules, replaced.__name__, replaced)
    monkeypatch.setattr(cells, "code_hash", lambda names: "code")
    monkeypatch.setenv("AGILENN_CACHE", str(tmp_path / "cache"))
    return tmp_path


def run(home: Path, *command: str) -> dict[tuple[str, str], Row]:
    assert cli.main([*command, "--out", str(home / "out")]) == 0
    return {(row.conditions, row.metric): row for row in results.read(home / "out" / f"{command[0]}.csv")}


@pytest.mark.parametrize("name", SWEEPS)
def test_every_cell_is_a_training_that_the_method_accepts(home: Path, name: str) -> None:
    rows = run(home, name)
    assert len(ASKED) == SWEEPS[name]
    for asked in ASKED:
        settings = settings_for("digits", "quick", asked["method"].partition(":")[2])
        assert (settings.epochs, settings.reference_epochs) == (16, 6)
    assert len({asked["method"] for asked in ASKED}) == SWEEPS[name]
    accuracies = [row for (_, metric), row in rows.items() if metric == "accuracy"]
    assert len(accuracies) == SWEEPS[name] and {row.verdict for row in accuracies} == {"no_paper_value"}
    assert {row.label for (_, m), row in rows.items() if m in ("device", "network")} == {"emulated", "modelled"}
    assert (home / "out" / "figures" / f"{name}.png").stat().st_size > 5000


def test_kept_trainings_are_read_and_the_full_budget_has_the_presets_epochs(home: Path) -> None:
    run(home, "fig_ordering")
    run(home, "fig_ordering")
    assert len(ASKED) == 3
    run(home, "fig_ordering", "--budget", "full")
    assert {asked["budget"] for asked in ASKED[3:]} == {"full"}
    assert "epochs=" not in ASKED[-1]["method"]


def test_figures_share_their_trainings(home: Path) -> None:
    for name in ("fig_skewness", "fig_lambda"):
        run(home, name)
    shared = {a["method"] for a in ASKED[:9]} & {a["method"] for a in ASKED[9:]}
    assert shared == {"agilenn:audited+epochs=16,k=5,lam=0.6,reference_epochs=6,rho=0.8"}


def test_the_trend_stands_beside_the_paper(home: Path) -> None:
    rows = run(home, "fig_skewness")
    trend = rows["paper=cifar100", "achieved_skewness_trend"]
    assert trend.n == 9 and trend.value > 0.8  # the paper's skewness follows rho, too
    assert rows["k=3;rho=0.7", "judged_skewness"].value == 75
    assert ("paper=cifar100", "accuracy_trend") in rows
    total = {c: row for (c, m), row in run(home, "fig_xai").items() if m == "device_and_link"}
    assert len(total) == 3 and total["xai=ig_2"].label == "mixed"


def test_the_paper_stands_beside_comparable_images(home: Path) -> None:
    from bench import datasets
    from bench.figures.alone import Alone
    from bench.figures.trained_point import common
    from bench.paper import published

    figure = registry.command("fig_ordering")
    case = Alone(datasets.load("cifar100"), "sweep")
    point = figure.points(None)[1]
    rows = common("fig_ordering", case, point, invented(method=point.variant("cifar100", "quick"), n=0))
    found = {row.metric: figure.beside(row, case, point, published()).paper_value for row in rows}
    assert (found["order_violations"], found["accuracy"], found["payload_up"]) == (12.3, 63.5, None)


def test_curves_of_the_joint_training(home: Path) -> None:
    rows = run(home, "fig_preprocess")
    assert rows["depth=2;epoch=1;start=scratch", "curve"].value == 50
    assert rows["depth=6;start=preprocessed", "validation_accuracy"].value == 80
    scratch = [a["method"] for a in ASKED if "selection=first" in a["method"]]
    assert len(scratch) == 3 and all("mapping=false,pretrained=false" in method for method in scratch)


def test_the_rule_sees_validation_images_only(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = run(home, "fig_sensitivity")
    assert (rows["", "chosen_k"].value, rows["", "chosen_rho"].value) == (7, 0.8)  # one point less, fewer bits
    assert rows["", "lost_accuracy"].value == 1
    assert "the rule (validation accuracy within 1 point of the best" in capsys.readouterr().out

    assert run(home, "fig_bits")["", "chosen_bits"].value == 3  # one point less than with 4, fewer bits

    def one(validation: float, bits: float, test: int) -> tuple[Point, dict[str, Any]]:
        return Point({}), {
            "sent": 10, "training": {"validation": {"accuracy": validation, "symbol_entropy": bits}}, "test": test,
        }  # fmt: skip

    chosen = choose([one(90, 2.0, 1), one(89.2, 1.0, 2), one(88, 0.5, 3)])
    assert chosen[1]["test"] == 2
