"""What is written of the committed models: the table of their trainings, and what integers cost them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import results
from bench.method import Deployment
from bench.provenance import ROOT

MODELS = ROOT / "results" / "models"
FOLDERS = sorted(path.parent for path in MODELS.glob("*/*/deployment.json"))
POINTS = 2.0  # that int8 may cost
FIRST = ("reference_epochs", "task_epochs")  # of a network that another one learns from


def table() -> dict[tuple[str, str, str], list[str]]:
    """(method, data set, protocol) -> the other cells of the README's table of trainings."""
    lines = (MODELS / "README.md").read_text(encoding="utf-8").splitlines()
    found = {}
    for line in lines:
        if line.startswith("| `"):
            method, where, *cells = (cell.strip() for cell in line.strip("|").split("|"))
            dataset, protocol = where.split(", ")
            found[method.strip("`"), dataset, protocol] = cells
    return found


def key(folder: Path) -> tuple[str, str, str]:
    dataset, _, protocol = folder.name.rpartition("-")
    return folder.parent.name.replace("--", ":"), dataset, protocol


def test_the_table_has_every_model_and_no_other() -> None:
    assert sorted(table()) == sorted(map(key, FOLDERS))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: "-".join(key(folder)))
def test_the_table_says_what_the_deployment_says(folder: Path) -> None:
    """Epochs, CPU minutes, accuracies: of the training's own record."""
    said = Deployment.load(folder).training
    epochs, minutes, validation, test, _, last = table()[key(folder)]
    *before, joint = (int(part) for part in epochs.split(" + "))
    assert joint == said["epochs"] == said["epochs_planned"]
    first = [said["settings"][name] for name in FIRST if name in said["settings"]]
    assert not first or first == before
    assert int(minutes) == max(1, round(60 * said["cpu_hours"]))
    assert float(validation) == said["validation"]["accuracy"]
    assert (None if test == "-" else float(test)) == said.get("test", {}).get("accuracy")
    assert last.split(", ") == [f"{100 * value:.1f}" for value in said["curve"][-3:]]
    assert (said["seed"], said["budget"]) == (0, "quick")


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: "-".join(key(folder)))
def test_integers_are_within_two_points_of_float32(folder: Path) -> None:
    """On the same images: the float network's accuracy is in the deployment, that of the integers in fig_latency."""
    said = Deployment.load(folder).training
    if both := said.get("quantization"):
        assert abs(both["int8"] - both["float32"]) <= POINTS and both["images"] >= 150
    elif "test" in said:
        rows = results.read(ROOT / "results" / "fig_latency.csv")
        found = {(row.method, row.dataset, row.protocol): row for row in rows if row.metric == "accuracy"}
        if key(folder) not in found:
            pytest.skip("not measured yet")
        assert found[key(folder)].n == said["test"]["images"]
        assert abs(found[key(folder)].value - said["test"]["accuracy"]) <= POINTS
    else:
        assert folder.parent.name in ("edge_only", "spinn")  # no network on the device; test_spinn.py
