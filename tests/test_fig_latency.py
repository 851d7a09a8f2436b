"""fig_latency from invented cells: files, resume, what is kept and what is refused. No board and no server."""

import errno
import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from latency_records import METRICS, rows

from bench import cli, datasets, registry, results
from bench.boards.emulator.timing.parameters import VERSION
from bench.compile.toolchain import Toolchain
from bench.figures import base, cells, latency_cells
from bench.figures.cases import Case
from bench.figures.recorded import Recorded, stamps_of
from bench.method import Deployment
from bench.paper import FIG16
from bench.provenance import ROOT, deployment_hash

TINY = Path(__file__).parent / "golden" / "server_tiny"
CALLS: list[str] = []


def fake_measure(*, method, n, clock_hz, **_):
    CALLS.append(f"board {method} {n} {clock_hz}")
    run = {"label": 1, "prediction": 1, "decided": "server", "payload_up": 300, "payload_down": 6, "remote_us": 900}
    cycles = {"code:payload": 216_000, "send": 10, "receive:remote": 6, "combine:scores": 2000}
    return {"runs": [run | {"image": i, "cycles": cycles} for i in range(n)], "info": {"build": "b1"}}


def fake_hits(*, method, **_):
    CALLS.append(f"accuracy {method}")
    return [530, 539]


@pytest.fixture
def home(tmp_path, monkeypatch, own_cache):
    """A results folder with one deployment of edge_only for digits."""
    CALLS.clear()
    committed = tmp_path / "committed"
    shutil.copytree(ROOT / "results" / "paper", committed / "paper")
    shutil.copytree(TINY, committed / "models" / "edge_only" / "digits-paper")
    monkeypatch.setattr(base, "RESULTS", committed)
    monkeypatch.setattr(latency_cells, "measure", fake_measure)
    monkeypatch.setattr(latency_cells, "count_hits", fake_hits)
    monkeypatch.setattr(latency_cells, "code_hash", lambda names: "code")
    return tmp_path


def run(home, *options, out="out"):
    return cli.main(["fig_latency", "--out", str(home / out), "--images", "5", *options])


def table(home, out="out"):
    return {row.key[1:]: row for row in results.read(home / out / "fig_latency.csv")}


def test_a_run_writes_rows_stamps_and_figures(home, capsys):
    assert run(home, "--dataset", "digits") == 0
    found = table(home)
    assert {key[5] for key in ((0, *key) for key in found)} == METRICS | {"accuracy_server"}
    row = found["digits", "edge_only", "paper", FIG16, "compress"]
    assert (row.value, row.unit, row.label, row.source, row.n) == (1.0, "ms", "emulated", "live", 5)
    assert found["digits", "edge_only", "paper", FIG16, "accuracy"].value == pytest.approx(100 * 530 / 539, rel=1e-6)
    assert found["digits", "edge_only", "paper", FIG16, "payload_up"].value == 300
    assert found["digits", "edge_only", "paper", FIG16, "local"].value == pytest.approx(2016 / 216e3, rel=1e-6)
    stamps = json.loads((home / "out" / "fig_latency.provenance.json").read_text())
    assert set(stamps["rows"]) == {"|".join(("fig_latency", *key)) for key in found}
    assert str(home) not in (home / "out" / "fig_latency.provenance.json").read_text()
    assert (home / "out" / "figures" / "fig_latency.pdf").read_bytes().startswith(b"%PDF")
    assert (home / "out" / "figures" / "fig_latency.png").stat().st_size > 1000
    assert "Digits, Edge-only" in capsys.readouterr().out


def test_a_second_run_measures_nothing_and_another_clock_does(home):
    assert run(home) == 0
    assert run(home) == 0
    assert CALLS == ["board edge_only 5 216000000", "accuracy edge_only"]
    assert run(home, "--bandwidth", "2Mbps") == 0  # link times come from bytes
    assert len(CALLS) == 2
    assert run(home, "--clock", "64MHz") == 0
    assert CALLS[2:] == ["board edge_only 5 64000000"]
    found = table(home)
    assert {key[3] for key in found} == {
        FIG16, "bandwidth_kbps=2000;cpu_mhz=216", "bandwidth_kbps=6000;cpu_mhz=64",
    }  # fmt: skip
    assert found["digits", "edge_only", "paper", FIG16, "total"].source == "recorded"
    assert run(home, "--fresh") == 0
    assert len(CALLS) == 5


def test_a_deployment_of_another_name_is_refused(home, capsys):
    shutil.copytree(TINY, home / "committed" / "models" / "mcunet" / "digits-paper")
    assert run(home, "--method", "mcunet") == 2
    said = capsys.readouterr().err
    assert "says that it is something else; expected mcunet, digits, paper; got edge_only, digits, paper" in said


def test_rows_of_another_timing_model_are_named(tmp_path):
    path, found = tmp_path / "fig_latency.csv", rows()
    results.write(path, found)
    stamps = {r.key: {"id": r.method, "inputs": {"firmware": {"timing_model": VERSION}}} for r in found}
    results.write_stamps(stamps_of(path), found, {"rows": {}, "stamps": {}}, stamps)
    assert Recorded(path).outdated(results.read(path)) == []
    stamps_of(path).write_text(stamps_of(path).read_text().replace(f'"{VERSION}"', '"0"'))
    assert Recorded(path).outdated(results.read(path)) == sorted({" ".join(r.key[1:4]) for r in found})


def test_rows_without_a_deployment_are_kept_while_the_images_are_the_same(tmp_path):
    path, found = tmp_path / "fig_latency.csv", rows()
    results.write(path, found)
    stamps = {r.key: {"id": "s", "inputs": {"images": "f"}} for r in found}
    results.write_stamps(stamps_of(path), found, {"rows": {}, "stamps": {}}, stamps)
    recorded = Recorded(path)
    key = found[0].key[1:4]
    assert recorded.keep([SimpleNamespace(key=key, identity="f")]) == 0 and recorded.rows
    assert recorded.keep([SimpleNamespace(key=key, identity="g")]) > 0 and not recorded.rows


def test_a_cell_of_several_clocks_is_measured_once(home):
    for fresh in ([], ["--fresh"]):
        CALLS.clear()
        assert cli.main(["fig_cpu", "--out", str(home / "out"), "--images", "5", *fresh]) == 0
        boards = [f"board edge_only 5 {clock}000000" for clock in (64, 128, 216)]
        assert sorted(CALLS) == ["accuracy edge_only", *sorted(boards)]


def test_all_measures_a_cell_of_several_figures_once(home):
    command = ["all", "fig_latency", "fig_cpu", "fig_energy", "--images", "5", "--out", str(home / "out"), "--fresh"]
    for _ in range(2):
        CALLS.clear()
        assert cli.main(command) == 0
        assert len(CALLS) == 4 and CALLS.count("accuracy edge_only") == 1


def test_a_deployment_that_was_trained_into_out_comes_before_the_committed_one(home):
    own = home / "out" / "models" / "edge_only" / "digits-paper"
    shutil.copytree(TINY, own)
    replace(Deployment.load(own), training={"seed": 9}).save()
    assert run(home) == 0
    (stamp,) = json.loads((home / "out" / "fig_latency.provenance.json").read_text())["stamps"].values()
    assert stamp["inputs"]["deployment"] == deployment_hash(Deployment.load(own))


def test_retraining_a_variant_trains_the_variant(home, monkeypatch):
    class Copied:
        stages = ()

        def train(self, request):
            CALLS.append(f"train {request.variant} {request.out.parent.name}")
            shutil.copytree(TINY, request.out)
            replace(Deployment.load(request.out), method=request.named("agilenn")).save()

    monkeypatch.setattr(registry, "method", lambda name: Copied())
    assert run(home, "--retrain", "--dataset", "digits", "--method", "agilenn:text") == 0
    assert CALLS[0] == "train text agilenn--text"


def test_another_compiler_is_another_measurement_and_stands_in_the_stamp(home, monkeypatch):
    assert run(home) == 0
    gcc = Toolchain("gcc", ("gcc",), "gcc 12", ())
    monkeypatch.setattr(latency_cells, "toolchain", lambda name: gcc)
    assert run(home, "--compiler", "gcc") == 0
    assert CALLS[2:] == ["board edge_only 5 216000000"]
    stamps = json.loads((home / "out" / "fig_latency.provenance.json").read_text())["stamps"].values()
    assert all(stamp["command"].endswith("--images 5 --compiler gcc") for stamp in stamps)


def test_a_methods_own_stage_is_part_of_its_cells(tmp_path, monkeypatch):
    source = tmp_path / "own.c"
    source.write_text("1")
    names = [cells.own_stages(Deployment.load(TINY))]
    monkeypatch.setattr(cells.stages, "kinds", lambda _: {"own": type("Own", (), {"sources": (source,)})})
    for file in (source, source.with_suffix(".h"), source.with_suffix(".py")):
        names.append(cells.own_stages(Deployment.load(TINY)))
        file.write_text("2")
    assert names[0] == "" and len(set(names)) == 4


@pytest.mark.parametrize(
    ("origin", "changed", "same"),
    [("cifar10 copy", True, True), ("cifar100 re-split", True, False), ("cifar100 re-split", False, True)],
)
def test_a_model_of_another_split_is_not_compared(origin, changed, same):
    data = datasets.load("digits")
    official = replace(data, source="folder", origin="official", comparable=True)
    trained = {"data": {"origin": origin, "fingerprint": "other" if changed else data.fingerprint}}
    case = Case(official, replace(Deployment.load(TINY), training=trained), "id")
    assert case.comparable == case.same_split == same


def test_what_another_run_writes_meanwhile_is_kept(home, monkeypatch):
    def slow(**settings):
        if settings["clock_hz"] == 216_000_000:
            assert run(home, "--clock", "64MHz") == 0
        return fake_measure(**settings)

    monkeypatch.setattr(latency_cells, "measure", slow)
    assert run(home) == 0
    assert {key[3] for key in table(home)} == {FIG16, "bandwidth_kbps=6000;cpu_mhz=64"}
    stamps = json.loads((home / "out" / "fig_latency.provenance.json").read_text())
    assert len(stamps["rows"]) == len(table(home)) and len(stamps["stamps"]) == 2


def test_other_code_names_other_cells(tmp_path, monkeypatch):
    for name in latency_cells.BOARD_CODE:
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch() if target.suffix else (target / "inside").mkdir(parents=True)
    monkeypatch.setattr(cells.provenance, "ROOT", tmp_path)
    before = cells.code_hash(latency_cells.BOARD_CODE)
    (tmp_path / "bench" / "firmware" / "__pycache__").mkdir()
    (tmp_path / "bench" / "firmware" / "__pycache__" / "x.pyc").touch()
    (tmp_path / "bench" / "firmware" / "README.md").write_text("for readers")
    assert cells.code_hash(latency_cells.BOARD_CODE) == before
    (tmp_path / "bench" / "firmware" / "inside" / "kernel.c").write_text("int x;")
    assert cells.code_hash(latency_cells.BOARD_CODE) != before


def test_data_sets_without_images_stay_as_recorded(home, capsys):
    recorded = rows(dataset="svhn")
    results.write(home / "committed" / "fig_latency.csv", recorded)
    assert run(home) == 0
    kept = table(home)["svhn", "agilenn", "paper", FIG16, "total"]
    assert (kept.source, kept.value) == ("recorded", pytest.approx(recorded[6].value, rel=1e-6))
    out = capsys.readouterr().out
    assert "svhn: no images here" in out
    assert "SVHN, AgileNN" in out


def test_with_the_sample_the_accuracy_is_the_recorded_one(home):
    target = home / "committed" / "models" / "edge_only" / "cifar10-paper"
    shutil.copytree(TINY, target)
    text = (target / "deployment.json").read_text().replace('"digits"', '"cifar10"')
    (target / "deployment.json").write_text(text)
    results.write(home / "committed" / "fig_latency.csv", rows(method="edge_only"))
    assert run(home, "--dataset", "cifar10", "--bandwidth", "270kbps") == 0
    found = {row.metric: row for row in table(home).values() if row.conditions.startswith("bandwidth_kbps=270;")}
    assert (found["accuracy"].value, found["accuracy"].n, found["accuracy"].source) == (94.2, 10000, "recorded")
    assert found["accuracy_sample"].source == "live"
    assert CALLS == ["board edge_only 5 216000000"]


def test_a_deployment_without_images_or_records_is_left_out(home, capsys):
    shutil.copytree(TINY, home / "committed" / "models" / "edge_only" / "svhn-paper")
    assert run(home) == 0
    assert "svhn: no images here, left out" in capsys.readouterr().out
    assert {key[0] for key in table(home)} == {"digits"}


def test_a_damaged_image_file_is_an_error_even_with_records(home, capsys):
    results.write(home / "committed" / "fig_latency.csv", rows(dataset="svhn"))
    (home / "data").mkdir()
    (home / "data" / "svhn.npz").write_bytes(b"PK")
    assert run(home, "--data-dir", str(home / "data")) == 2
    assert "svhn.npz" in capsys.readouterr().err


def test_rows_of_an_earlier_training_are_dropped(home):
    assert run(home, "--bandwidth", "2Mbps", out="committed") == 0
    model = home / "committed" / "models" / "edge_only" / "digits-paper" / "deployment.json"
    model.write_text(model.read_text().replace("0.5", "0.25"))
    assert run(home, out="committed") == 0
    assert {key[3] for key in table(home, "committed")} == {FIG16}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--dataset", "nosuch"], "unknown data set 'nosuch'"),
        (["--method", "nosuch"], "unknown method 'nosuch'"),
        (["--protocol", "nosuch"], "unknown protocol 'nosuch'"),
        (["--bandwidth", "6"], "270kbps"),
        (["--clock", "fast"], "216MHz"),
        (["--images", "0"], "at least 1"),
        (["--compiler", "nosuch"], "unknown compiler 'nosuch'"),
        (["--dataset", "svhn"], "reproduce.sh data svhn"),
        (["--dataset", "digits", "--method", "agilenn"], "reproduce.sh train --method agilenn --dataset digits"),
        (["--data-dir", "/no/such/folder"], "no such folder"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(home, capsys, options, words):
    assert run(home, *options) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1
    assert not (home / "out").exists()


def test_an_out_that_cannot_be_is_refused(home, capsys):
    (home / "file").touch()
    assert run(home, "--dataset", "digits", out="file") == 2
    assert "--out" in capsys.readouterr().err


def test_a_full_disk_leaves_the_old_records(home, capsys, monkeypatch):
    assert run(home) == 0
    before = {file: file.read_bytes() for file in (home / "out").rglob("*") if file.is_file()}
    write = Path.write_bytes

    def full(path, data):
        write(path, data[:10])
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    capsys.readouterr()
    assert run(home, "--fresh") == 2
    assert "the disk is full" in capsys.readouterr().err
    assert {file: file.read_bytes() for file in (home / "out").rglob("*") if file.is_file()} == before
