"""fig_audit, fig_shift, fig_attribution from invented cells: rows, records, refusals, drawings. Nothing is trained."""

import shutil
from dataclasses import replace

import pytest

from bench import cli, results
from bench.audit import audit, masking, robustness
from bench.figures import base, cells
from bench.method import Deployment
from bench.provenance import ROOT

CALLS: list[str] = []
MODELS = ROOT / "results" / "models"


def fake_audit(*, dataset, n, **_):
    CALLS.append(f"audit {dataset} {n}")
    right = [i % 4 > 0 for i in range(n)]
    return {
        "k": 5,
        "levels": 4,
        "right": {"evaluator": right, "local": [False] * n, "remote": right},
        "linear": {"evaluator": right, "local": [True] * n, "remote": right},
        "skewness": {"zero": [80.0, 90.0], "mean": [60.0, 70.0]},
        "violated": {"zero": [False, True], "mean": [True, True]},
        "shares": [[0.5, 0.5, 0, 0]] * n,
    }


def fake_robustness(*, n, shift, **_):
    CALLS.append(f"shift {shift} {n}")
    nothing = {"skewness": [], "overlap": [], "violated": []}
    lost = {"right": [False] * n, "payload": [100] * n, "evaluator": [False] * n, **nothing}
    found = lost | {"skewness": [80.0, 90.0], "overlap": [100.0, 80.0], "violated": [False, True]}
    return {"0": found} if shift == "clean" else {str(i): found if i < 5 else lost for i in range(1, 6)}


def fake_masking(*, dataset, n, **_):
    CALLS.append(f"masking {dataset} {n}")
    orders = ("saliency-1", "ends-2", "midpoint-64", "bottom", "random-0", "random-1")
    right = {order: [[i >= k for i in range(n)] for k in range(24)] for order in orders}
    right["random-1"] = [[True] * n] * 24
    same = {"spearman": [1.0, 0.5], "kendall": [0.5, 0.5], "top5_overlap": [80.0, 100.0]}
    return {"right": right, "agreement": dict.fromkeys(masking.RULES[:-1], same)}


@pytest.fixture
def home(tmp_path, monkeypatch, own_cache):
    """A results folder with AgileNN and edge-only for digits."""
    CALLS.clear()
    committed = tmp_path / "committed"
    for method in ("agilenn", "edge_only"):
        shutil.copytree(MODELS / method / "digits-paper", committed / "models" / method / "digits-paper")
    own = Deployment.load(committed / "models" / "agilenn" / "digits-paper")
    replace(own, training={"test": {"images": 180, "skewness": 77.5, "violations": 3}}).save()
    monkeypatch.setattr(base, "RESULTS", committed)
    monkeypatch.setattr(audit, "audit", fake_audit)
    monkeypatch.setattr(robustness, "robustness", fake_robustness)
    monkeypatch.setattr(masking, "masking", fake_masking)
    monkeypatch.setattr(cells, "code_hash", lambda names: "code")
    return tmp_path


def run(home, figure, *options):
    return cli.main([figure, "--out", str(home / "out"), "--images", "8", *options])


def table(home, figure):
    return {(row.dataset, row.conditions, row.metric): row for row in results.read(home / "out" / f"{figure}.csv")}


def test_the_judge_stands_beside_what_the_method_says(home, capsys):
    assert run(home, "fig_audit") == 0
    found = table(home, "fig_audit")
    assert (found["digits", "", "own_skewness"].value, found["digits", "", "own_skewness"].n) == (77.5, 180)
    assert found["digits", "", "own_order_violations"].value == 3
    assert ("digits", "", "own_reference_accuracy") not in found
    assert found["digits", "baseline=zero", "judged_skewness"].value == 85
    assert found["digits", "baseline=mean", "order_violations"].value == 100
    row = found["digits", "", "probe_network_remote"]
    assert (row.value, row.unit, row.label, row.n) == (75, "percent", "measured", 8) and row.ci_low < 75 < row.ci_high
    assert found["digits", "", "probe_linear_local"].value == 100
    assert found["digits", "", "effective_centroids"].value == pytest.approx(2)
    assert found["digits", "", "used_centroids"].value == 2 and found["digits", "", "centroids"].value == 4
    out = capsys.readouterr().out
    assert "Digits, AgileNN" in out and "Edge-only" not in out
    assert (home / "out" / "figures" / "fig_audit.pdf").read_bytes().startswith(b"%PDF")


def test_a_judge_that_knows_nothing_explains_nothing(home, monkeypatch):
    nothing = {"zero": [], "mean": []}
    monkeypatch.setattr(
        audit, "audit", lambda **_: fake_audit(dataset="digits", n=8) | {"skewness": nothing, "violated": nothing}
    )
    monkeypatch.setattr(audit.audit, "__qualname__", "audit")
    assert run(home, "fig_audit") == 0
    assert {key[1] for key in table(home, "fig_audit")} == {""}


def test_shift_by_kind_and_severity(home):
    assert run(home, "fig_shift") == 0
    assert len(CALLS) == 5
    found = table(home, "fig_shift")
    assert found["digits", "severity=0;shift=clean", "judged_skewness"].value == 85
    assert found["digits", "severity=4;shift=jpeg", "top_k_overlap"].value == 90
    assert found["digits", "severity=4;shift=blur", "order_violations"].value == 50
    assert found["digits", "severity=5;shift=noise", "payload_up"].value == 100
    assert ("digits", "severity=5;shift=noise", "judged_skewness") not in found
    assert {key[1] for key in found} == {
        f"severity={s};shift={kind}" for kind in ("noise", "blur", "contrast", "jpeg") for s in range(1, 6)
    } | {"severity=0;shift=clean"}


def test_attribution_needs_no_deployment(home):
    shutil.rmtree(home / "committed" / "models")
    assert run(home, "fig_attribution") == 0
    found = table(home, "fig_attribution")
    assert found["digits", "k=2;masked=midpoint-64", "accuracy"].value == 75
    random = found["digits", "k=4;masked=random", "accuracy"]  # half of the draws lose four of eight
    assert (random.value, random.n) == (75, 8)
    assert found["digits", "rule=ends-2", "spearman"].value == 0.75
    assert found["digits", "rule=midpoint-16", "top5_overlap"].unit == "percent"


@pytest.mark.parametrize("figure", ["fig_audit", "fig_shift", "fig_attribution"])
def test_kept_cells_and_drawings_from_records(home, capsys, figure):
    assert run(home, figure) == 0
    count = len(CALLS)
    assert run(home, figure) == 0 and len(CALLS) == count
    before = {row.key: row.value for row in results.read(home / "out" / f"{figure}.csv")}
    drawn = home / "out" / "figures" / f"{figure}.png"
    picture = drawn.read_bytes()
    drawn.unlink()
    assert cli.main(["plot", figure, "--from", str(home / "out")]) == 0
    assert drawn.read_bytes() == picture
    assert {row.key: row.value for row in results.read(home / "out" / f"{figure}.csv")} == before
    assert run(home, figure, "--fresh") == 0 and len(CALLS) == 2 * count
    assert str(home) not in (home / "out" / f"{figure}.provenance.json").read_text()


@pytest.mark.parametrize("figure", ["fig_audit", "fig_shift", "fig_attribution"])
def test_with_the_embedded_sample_alone_the_records_are_drawn(home, capsys, figure):
    assert run(home, figure) == 0
    rows = [replace(row, dataset="cifar10") for row in results.read(home / "out" / f"{figure}.csv")]
    results.write(home / "out" / f"{figure}.csv", rows)
    CALLS.clear()
    assert run(home, figure) == 0
    assert all("cifar10" not in call for call in CALLS)
    found = table(home, figure)
    assert {row.source for (dataset, *_), row in found.items() if dataset == "cifar10"} == {"recorded"}
    assert {row.source for (dataset, *_), row in found.items() if dataset == "digits"} == {"live"}
    assert "cifar10: no training images here, drawn from the records" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("figure", "options", "words"),
    [
        ("fig_audit", ["--method", "edge_only"], "has no place in this figure"),
        ("fig_shift", ["--method", "edge_only", "--dataset", "digits"], "no stage net"),
        ("fig_audit", ["--dataset", "svhn"], "reproduce.sh data svhn"),
        ("fig_attribution", ["--dataset", "nosuch"], "unknown data set 'nosuch'"),
        ("fig_attribution", ["--method", "agilenn"], "--method"),
        ("fig_audit", ["--images", "none"], "at least 1"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(home, capsys, figure, options, words):
    assert run(home, figure, *options) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1
    assert not (home / "out").exists() and not CALLS


def test_nothing_to_draw_is_no_file(tmp_path):
    from bench import registry

    for name in ("fig_audit", "fig_shift", "fig_attribution"):
        assert registry.command(name).draw([], tmp_path) == [] and not list(tmp_path.iterdir())
