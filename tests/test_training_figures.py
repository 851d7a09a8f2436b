"""Figures about trained models: what the integer program says of a test split, and rows, tables and drawings of it."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench import accuracy, cli, datasets, outputs, provenance, registry, results
from bench.compile import stages
from bench.figures import base
from bench.figures.cases import Case
from bench.method import Deployment, Request
from bench.provenance import ROOT, deployment_hash
from bench.results import Row

DIGITS = ROOT / "results" / "models" / "agilenn" / "digits-paper"
TINY = Path(__file__).parent / "golden" / "server_tiny"
TEST = {
    "accuracy": 97.5, "local_accuracy": 20.0, "remote_accuracy": 97.0, "reference_accuracy": 96.0, "skewness": 81.5,
    "violations": 1.25, "images": 539,
}  # fmt: skip
CURVES = {"curve": [0.5, 0.75, 0.9], "loss_curve": [1.5, 0.8, 0.4], "seconds_curve": [9.0, 7.0, 8.0], "epochs": 3}
CALLS: list[tuple[str, int]] = []


def place(source: Path, folder: Path, method: str, **training: Any) -> Deployment:
    """A copy of a deployment, under another name and with more in its training record."""
    shutil.copytree(source, folder)
    deployment = dataclasses.replace(Deployment.load(folder), method=method)
    deployment = dataclasses.replace(deployment, training={**deployment.training, **training})
    deployment.save()
    return deployment


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_cache: None) -> Path:
    """A results folder with AgileNN and a regular network for digits, and nothing else."""
    CALLS.clear()
    committed = tmp_path / "committed"
    shutil.copytree(ROOT / "results" / "paper", committed / "paper")
    images = {"images": {"train": 900, "validation": 100}}
    own = {"test": TEST, "cpu_hours": 0.03, "reference": {"epochs": 2, "cpu_hours": 0.01}}
    place(DIGITS, committed / "models/agilenn/digits-paper", "agilenn", **own, **CURVES, **images)
    place(TINY, committed / "models/edge_only/digits-paper", "edge_only", cpu_hours=0.01, **CURVES, **images)
    monkeypatch.setattr(base, "RESULTS", committed)
    return tmp_path


def run(home: Path, *command: str) -> dict[tuple[str, str, str], Row]:
    """(method, conditions, metric) -> row of a figure's run."""
    assert cli.main([*command, "--out", str(home / "out")]) == 0
    rows = results.read(home / "out" / f"{command[0]}.csv")
    stamps = json.loads((home / "out" / f"{command[0]}.provenance.json").read_text())
    assert set(stamps["rows"]) >= {"|".join(row.key) for row in rows if row.source == "live"}
    return {(row.method, row.conditions, row.metric): row for row in rows}


def drawn(home: Path, name: str) -> bool:
    files = [home / "out" / "figures" / f"{name}.{kind}" for kind in ("pdf", "png")]
    return files[0].read_bytes().startswith(b"%PDF") and files[1].stat().st_size > 5000


def test_outputs_are_those_of_the_integer_program() -> None:
    data, deployment = datasets.load("digits"), Deployment.load(DIGITS)
    asked: Any = {
        "dataset": "digits", "images": data.fingerprint, "deployment": deployment_hash(deployment), "folder": DIGITS,
        "data_dir": None,
    }  # fmt: skip
    said = outputs.outputs(**asked)
    hits = said["hits"]
    assert [hits["own"], said["n"]] == accuracy.count_hits(**asked)
    assert (hits["alpha=0"], hits["alpha=1"]) == (hits["remote"], hits["local"])
    learned = outputs.learned(deployment)
    assert learned is not None and 0 < learned < 1
    loaded, remote = accuracy.loaded_once(DIGITS)
    assert remote is not None
    height, width, channels = remote.server.shape
    assert sum(said["symbols"]) == said["n"] * height * width * channels
    for i in (0, 17):
        frame = datasets.frames(data.x_test[i : i + 1], deployment.frame)[0]
        whole = stages.simulate(loaded, frame, remote.reply)
        values, symbols, size = outputs.run(loaded, remote, frame)
        assert size == whole["payload"].size == said["payload"][i]
        assert np.array_equal(values["scores"], whole["scores"]) and np.array_equal(symbols, whole["symbols"])
        # the learned weight tried again gives the program's own scores
        stage = stages.first(loaded, "combine")
        weight = round(learned * outputs.ONE_Q15)
        again = dataclasses.replace(stage, params={**stage.params, "weights": [weight, outputs.ONE_Q15 - weight]})
        assert again == stage


def judge_said(home: Path, deployment: Deployment) -> None:
    """Leaves a record of fig_audit for this deployment."""
    row = Row(
        "fig_audit", "digits", "agilenn", "paper", "baseline=zero", "judged_skewness", 70.0, 69.0, 71.0, "percent",
        "measured", "live", 400, None, None, "no_paper_value",
    )  # fmt: skip
    path = base.RESULTS / "fig_audit.csv"
    results.write(path, [row])
    stamp = provenance.stamp("./reproduce.sh fig_audit", 1, {"deployment": deployment_hash(deployment)})
    nothing: dict[str, Any] = {"rows": {}, "stamps": {}}
    results.write_stamps(path.with_suffix(".provenance.json"), [row], nothing, {row.key: stamp})


def test_the_table_holds_what_program_training_and_judge_say(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = run(home, "table_training")
    assert "judged skewness is not known" in capsys.readouterr().out
    assert {method for method, _, _ in rows} == {"agilenn"}  # a regular network sends no features
    judge_said(home, Deployment.load(base.RESULTS / "models/agilenn/digits-paper"))
    rows = run(home, "table_training")
    value = {metric: row.value for (_, _, metric), row in rows.items()}
    assert (value["achieved_skewness"], value["order_violations"], value["judged_skewness"]) == (81.5, 1.25, 70.0)
    assert (value["epochs"], value["cpu_hours"]) == (3, 0.03)
    assert (value["reference_epochs"], value["reference_cpu_hours"]) == (2, 0.01)
    assert rows["agilenn", "", "achieved_skewness"].n == round(0.96 * 539)  # what the reference gets right
    assert rows["agilenn", "", "accuracy_float"].n == 539
    assert value["accuracy_int8_minus_float"] == pytest.approx(value["accuracy"] - 97.5, abs=1e-4)
    assert 50 < value["remote_sparsity"] < 100 and 0 < value["symbol_entropy"] < 3 and value["payload_up"] > 50
    accuracy_row = rows["agilenn", "", "accuracy"]
    assert accuracy_row.n == 539 and accuracy_row.ci_low is not None and accuracy_row.ci_low < accuracy_row.value
    assert "judged skewness" in (text := capsys.readouterr().out) and "Digits (protocol paper)" in text


def test_a_reference_network_that_gets_nothing_right_reports_no_importance() -> None:
    from bench.figures.offloaded import reported
    from bench.figures.rows import Maker

    make, names = Maker("fig_audit", ("digits", "agilenn", "paper")), {"skewness": "own_skewness", "accuracy": "own"}
    said = {"test": TEST | {"reference_accuracy": 0.0}}
    assert [row.metric for row in reported(make, said, names)] == ["own"]
    assert reported(make, {"test": None}, names) == reported(make, {}, names) == []


def test_the_judge_of_another_training_does_not_count(home: Path) -> None:
    judge_said(home, Deployment.load(TINY))
    assert ("agilenn", "baseline=zero", "judged_skewness") not in run(home, "table_training")


def test_the_table_stands_beside_the_paper(home: Path) -> None:
    from bench.figures.table_training import PAPER, with_paper
    from bench.paper import published

    paper = published()
    deployment = dataclasses.replace(Deployment.load(DIGITS), dataset="cifar100", method="agilenn:text")
    case = Case(dataclasses.replace(datasets.load("cifar100")), deployment, "x")
    row = Row(
        "table_training", "cifar100", "agilenn:text", "paper", "", "", 75.0, None, None, "percent", "measured", "live",
        10, None, None, "no_paper_value",
    )  # fmt: skip
    found = {metric: with_paper(dataclasses.replace(row, metric=metric), case, paper) for metric in (*PAPER, "epochs")}
    assert [row.paper_value for row in found.values()] == [73.7, 77.6, 2.1, None]
    assert found["achieved_skewness"].ratio == pytest.approx(75 / 77.6)


def test_without_training_images_the_records_are_shown(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = Row(
        "table_training", "cifar10", "agilenn", "paper", "", "accuracy", 83.0, 82.0, 84.0, "percent", "measured",
        "live", 10000, 94.2, 83 / 94.2, "worse",
    )  # fmt: skip
    results.write(base.RESULTS / "table_training.csv", [row])
    place(DIGITS, base.RESULTS / "models/agilenn/cifar10-paper", "agilenn")
    assert cli.main(["table_training", "--out", str(home / "out")]) == 0
    text = capsys.readouterr().out
    assert "CIFAR-10 (protocol paper)" in text and "94.2" in text
    assert "cifar10: no training images here, drawn from" in text


def test_other_weights_of_the_local_logits(home: Path) -> None:
    rows = run(home, "fig_reweight")
    curve = {conditions: row for (_, conditions, metric), row in rows.items() if metric == "accuracy"}
    assert len(curve) == 21 and curve["alpha=0"].value > curve["alpha=1"].value
    assert rows["agilenn", "", "accuracy_learned"].n == 539
    assert 0 < rows["agilenn", "", "learned_alpha"].value < 1
    assert drawn(home, "fig_reweight")


def test_a_deployment_that_joins_nothing_cannot_be_reweighted(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["fig_reweight", "--dataset", "digits", "--method", "edge_only", "--out", str(home / "out")]
    assert cli.main(command) == 2
    assert "no place in this figure" in capsys.readouterr().err


def test_training_curves_and_their_cost(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = run(home, "fig_convergence")
    assert rows["agilenn", "epoch=3", "accuracy"].value == 90 and rows["edge_only", "epoch=1", "loss"].value == 1.5
    assert rows["agilenn", "", "seconds_per_epoch"].value == 8
    assert rows["agilenn", "", "cpu_seconds_per_epoch"].value == pytest.approx(36)
    assert rows["agilenn", "", "cost_ratio_to_regular"].value == pytest.approx(3)
    assert ("edge_only", "", "cost_ratio_to_regular") not in rows
    assert drawn(home, "fig_convergence") and "Digits, AgileNN" in capsys.readouterr().out


def test_a_training_without_curves_is_left_out(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(base.RESULTS / "models" / "agilenn")
    place(DIGITS, base.RESULTS / "models/agilenn/digits-paper", "agilenn", loss_curve=[])
    command = ["fig_convergence", "--dataset", "digits", "--method", "agilenn", "--out", str(home / "out")]
    assert cli.main(command) == 2
    assert "recorded no loss_curve" in capsys.readouterr().err


def few(*, dataset: str, n: int, **_: object) -> dict[str, Any]:
    CALLS.append((dataset, n))
    return {"n": 8, "skewness": [35.0, 45.0, 55.0, 90.0]}


def test_natural_skewness_is_cumulative_and_beside_the_paper(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.audit import natural
    from bench.figures.alone import Alone
    from bench.figures.fig_skew_cdf import cumulative
    from bench.paper import published

    assert natural.top_share(np.array([[0.1] * 5 + [0.2] + [0.3], [1, 0, 0, 0, 0, 0, 0.0]])) == pytest.approx([30, 100])
    monkeypatch.setattr(natural, "natural", few)
    rows = run(home, "fig_skew_cdf", "--images", "8")
    assert CALLS == [("digits", 8)]
    shares = [rows["regular", f"skewness_up_to={t}", "samples"].value for t in ("0.30", "0.35", "0.50", "0.90")]
    assert shares == [0, 25, 50, 100] and rows["regular", "", "accuracy"].value == 50
    assert drawn(home, "fig_skew_cdf")
    paper = published()
    found = {
        row.conditions: row
        for row in cumulative(Alone(datasets.load("cifar10"), "regular"), few(dataset="", n=8), paper)
    }
    assert found["skewness_up_to=0.40"].paper_value == 32.0 and found["skewness_up_to=0.95"].paper_value is None


def invented(*, method: str, seed: int, **_: object) -> dict[str, Any]:
    CALLS.append((method, seed))
    judged = [] if method.endswith("no_local") else [70.0 + seed, 80.0]
    return {
        "deployment": f"{method}{seed}", "training": {"test": TEST, "cpu_hours": 0.1, "epochs": 3, "cores": 2},
        "outputs": {"n": 100, "hits": {"own": 90 - seed}, "payload": [200, 220], "symbols": [60, 40]},
        "skewness": judged, "device_ms": [2.0, 2.2], "sent": 19, "down": 20, "firmware": {},
    }  # fmt: skip


def test_every_variant_is_trained_once_per_seed(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from bench.figures import fig_ablation, trained_cells

    monkeypatch.setattr(trained_cells, "trained", invented)
    assert cli.main(["fig_ablation", "--seeds", "0", "--out", str(home / "out")]) == 2
    assert "--seeds" in capsys.readouterr().err
    run(home, "fig_ablation")
    rows = run(home, "fig_ablation", "--seeds", "2")
    assert sorted(CALLS) == sorted((method, seed) for method in fig_ablation.VARIANTS for seed in range(2))
    assert rows["agilenn:no_gating", "seed=1", "accuracy"].value == 89
    assert rows["agilenn", "seed=0", "judged_skewness"].value == 75
    assert ("agilenn:no_local", "seed=0", "judged_skewness") not in rows
    device = rows["agilenn:all_sent", "seed=0", "device"]
    assert (device.value, device.unit, device.label) == (pytest.approx(2.1), "ms", "emulated")
    assert rows["agilenn", "seed=0", "remote_sparsity"].value == 60
    assert drawn(home, "fig_ablation")


class Copied:
    """A method whose training is a copy."""

    stages = ()

    def train(self, request: Request) -> Deployment:
        assert (request.variant, request.seed, request.budget, request.code) == ("no_gating", 3, "quick", "c")
        return place(DIGITS, request.out, "agilenn:no_gating")


def test_one_variant_is_asked_judged_and_put_on_the_board(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.audit import judge
    from bench.figures import trained_cells

    monkeypatch.setattr(registry, "method", lambda name: Copied())
    monkeypatch.setattr(judge, "BUDGETS", {"digits": judge.Budget(2, 600)})
    monkeypatch.setattr(trained_cells, "FRAMES", 1)
    found = trained_cells.trained(
        dataset="digits", images=datasets.load("digits").fingerprint, method="agilenn:no_gating", seed=3,
        budget="quick", n=60, code="c", compiler="zig", data_dir=None,
    )  # fmt: skip
    assert len(found["device_ms"]) == 1 and 0.1 < found["device_ms"][0] < 20
    assert found["outputs"]["n"] == 539 and found["outputs"]["hits"]["own"] > 500
    assert 5 < len(found["skewness"]) <= 60 and all(0 <= value <= 100 for value in found["skewness"])
    json.dumps(found)
