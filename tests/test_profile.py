"""profile: every stage and layer with its cycles, bytes and memory; the drawing; what is refused."""

from __future__ import annotations

import csv

import pytest

from bench import cli
from bench.compile import program, stages
from bench.figures import base, profile_plot
from bench.figures.profile_rows import Profile, Row
from bench.method import Deployment, deployment_folder


def run(out, *options):
    return cli.main(["profile", "--out", str(out), *options])


def read(path):
    with path.open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(autouse=True)
def only_built_in_images(monkeypatch):
    monkeypatch.delenv("AGILENN_DATA", raising=False)


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """AgileNN for digits, profiled once: the folder and the lines of its CSV file."""
    out = tmp_path_factory.mktemp("profile")
    assert run(out, "--method", "agilenn", "--dataset", "digits") == 0
    return out / "profiles", read(out / "profiles" / "agilenn-digits-paper.csv")


def test_layers_make_up_their_stage(digits):
    folder, rows = digits
    assert {path.name for path in folder.iterdir()} == {
        f"agilenn-digits-paper.{kind}" for kind in ("csv", "pdf", "png")
    }
    whole = [row for row in rows if not row["layer"]]
    ops = [row["stage"].partition(":")[0] for row in whole]
    assert ops == ["net", "split", "net", "quantize", "code", "send", "receive", "combine"]
    for stage in whole[0], whole[2]:
        layers = [row for row in rows if row["stage"] == stage["stage"] and row["layer"]]
        for column in "macs", "tensor_bytes", "weight_bytes":
            assert int(stage[column]) == sum(int(row[column]) for row in layers)
        cycles = sum(int(row["cycles"]) for row in layers)
        assert cycles < int(stage["cycles"]) < cycles + 200
    assert {row["label"] for row in rows} == {"emulated"} and all(row["calibration"] for row in rows)


def test_the_first_layer_by_hand(digits):
    row = next(row for row in digits[1] if row["layer"])
    assert (row["layer"], row["code"], row["reads"]) == ("depthwise_conv_2d_0", "itcm", "sram")
    assert int(row["macs"]) == 3 * 3 * 8 * 8, "a filter of 3x3 at every third pixel of 24x24"
    assert int(row["tensor_bytes"]) == 24 * 24 + 8 * 8
    assert float(row["cycles_per_mac"]) == pytest.approx(int(row["cycles"]) / int(row["macs"]), abs=1e-3)


def test_stages_that_did_not_run_are_left_out(digits):
    deployment = Deployment.load(deployment_folder(base.RESULTS, "agilenn", "digits", "paper"))
    build = program.build(deployment, 216_000_000)
    labels = [stages.label(stage) for stage in deployment.stages]
    once = {
        "cycles": dict.fromkeys(labels, 0) | {labels[0]: 9},
        "layers": dict.fromkeys(build.layers, 2),
        "payload_up": 0,
    }
    rows = list(Profile(deployment, build, once).rows())
    assert [row.stage for row in rows] == [labels[0]] * 5


def test_a_program_without_networks_has_no_roofline(tmp_path, capsys):
    assert run(tmp_path, "--method", "edge_only", "--dataset", "digits") == 0
    printed = capsys.readouterr().out
    assert "no roofline" in printed and "code:payload" in printed
    rows = read(tmp_path / "profiles" / "edge_only-digits-paper.csv")
    assert all(row["cycles_per_mac"] == row["layer"] == "" for row in rows)
    assert (tmp_path / "profiles" / "edge_only-digits-paper.png").stat().st_size > 10_000


def test_roofs_follow_the_clock():
    roofs = profile_plot.roofs(7)
    assert roofs == pytest.approx({"DTCM, cache hit": 8, "SRAM, new line": 32 / 12, "flash, new line": 32 / 20})
    assert profile_plot.roofs(2)["flash, new line"] == pytest.approx(32 / 15)


@pytest.mark.parametrize(
    ("reads", "writes", "place"),
    [("dtcm", "dtcm", "dtcm"), ("dtcm+sram", "dtcm", "both"), ("dtcm", "sram", "both"), ("sram", "", "sram")],
)
def test_colours_say_where_tensors_lie(reads, writes, place):
    assert profile_plot.place(Row("net:a", "b", 1, 1, 1, 1, "itcm", reads, writes)) == place


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--method agilnn --dataset digits", "unknown method 'agilnn'"),
        ("--method agilenn --dataset digitz", "unknown data set 'digitz'"),
        ("--method agilenn:none --dataset digits", "no deployment of agilenn:none for digits"),
        ("--method agilenn --dataset digits --protocol weak", "unknown protocol 'weak'"),
        ("--method agilenn --dataset digits --clock 100MHz", "64 MHz or 128 MHz or 216 MHz"),
        ("--method agilenn --dataset digits --compiler icc", "unknown compiler 'icc'"),
        ("--method edge_only --dataset digits --board /dev/none", "/dev/none"),
        ("--dataset digits", "--method"),
    ],
)
def test_mistakes_are_named_and_nothing_is_written(tmp_path, capsys, options, words):
    assert run(tmp_path, *options.split()) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and words in error and "Traceback" not in error
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
