"""fig_latency's verdicts and reference rows, table_tx, fig_memory, fig_compression: from invented numbers."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from latency_records import FULL, PAPER, records
from latency_records import rows as latency_rows_of
from operating_cases import METHODS, makers

from bench import registry
from bench.figures import fig_compression, fig_memory, latency_plot, latency_table, table_tx
from bench.figures.cases import Case
from bench.figures.latency_rows import Hits, Latency, typical
from bench.figures.latency_why import because, multiples, reasons
from bench.paper import FIG16
from bench.results import check


def by_metric(rows):
    return {row.metric: row for row in rows}


def test_no_verdict_on_time_that_was_made_to_fit():
    made = Latency(records(method="deepcod:paper_matched"), FULL, FIG16, PAPER, True).rows()
    verdicts = {metric: row.verdict for metric, row in by_metric(made).items()}
    assert verdicts["local"] == verdicts["total"] == "not_comparable"
    assert verdicts["network"] == "agrees" and verdicts["accuracy"] == "agrees"
    assert any("the paper's ratio" in line for line in reasons(made))
    official = Latency(records(method="deepcod"), FULL, FIG16, PAPER, True).rows()
    assert by_metric(official)["local"].verdict == "better"


def test_the_servers_time_counts_only_for_images_that_are_sent():
    assert typical(np.array([0.0, 0.0, 2.0, 4.0])) == pytest.approx(1.5)
    assert typical(np.zeros(5)) == 0
    assert typical(np.array([[1.0, 3.0, 5.0], [0.0, 0.0, 3.0]])) == pytest.approx([3.0, 1.0])


def test_unmatched_says_by_how_many_points():
    text = latency_table.table(latency_rows_of(full=Hits(9000, 10000)))
    assert "unmatched: our accuracy is 4.2 points below the paper's" in text
    assert "our accuracy is not known here" in latency_table.table(latency_rows_of(full=None))


def test_disagreements_are_explained_and_agreements_are_not():
    made = by_metric(latency_rows_of(method="edge_only", local=0.0, network=38.0, compress=2.5))
    assert "twice the raw" in because(made["network"])
    assert because(made["compress"]) == because(made["payload_up"]) == because(made["local"]) == ""


@pytest.mark.parametrize(
    ("accuracy", "total", "words"),
    [
        (9430, 54.0, "agrees"),
        (9430, 20.0, "leads by less"),
        (9430, 99.0, "leads by more"),
        (9200, 54.0, "-2.2 points of accuracy; unmatched"),
    ],
)
def test_multiples_have_a_verdict_at_matched_accuracy_only(accuracy, total, words):
    base = latency_rows_of()
    network = total - 14 - 1.9 - 0.9
    other = latency_rows_of(method="deepcod", network=network, full=Hits(accuracy, 10000))
    text = multiples([*base, *other])
    assert words in text and "the paper's 2.51" in text
    assert multiples(other) == ""


def test_a_protocol_has_a_drawing_of_its_own_and_methods_may_be_missing(tmp_path):
    strong = [
        dataclasses.replace(row, protocol="strong", paper_value=None, ratio=None, verdict="no_paper_value")
        for row in latency_rows_of(method="mcunet", compress=0.0, network=0.0, remote=0.0)
    ]
    five = [row for m in METHODS for row in latency_rows_of(method=m)]
    files = latency_plot.draw([*five, *strong, *latency_rows_of(dataset="svhn")], tmp_path)
    names = [f"fig_latency{end}" for end in (".pdf", ".png", "_strong.pdf", "_strong.png")]
    assert [file.name for file in files] == names


def test_variants_are_drawn_where_they_are_named(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(latency_plot, "draw", lambda rows, folder: drawn.append({row.method for row in rows}) or [])
    figure = registry.command("fig_latency")
    both = [*latency_rows_of(), *latency_rows_of(method="agilenn:text")]
    figure.draw(both, tmp_path)
    figure.named = ["agilenn:text"]
    figure.draw(both, tmp_path)
    assert drawn == [{"agilenn"}, {"agilenn", "agilenn:text"}]


def stamped(made, sram=60_000, stack=600, flash=30_000):
    firmware = {"sram_bytes": sram, "stack_high_water": stack, "flash_bytes": flash}
    stamp = {"id": "s", "inputs": {"firmware": firmware}}
    return dataclasses.replace(made, operating=dataclasses.replace(made.operating, stamp=stamp))


def test_memory_counts_the_stack_in_use_and_has_verdicts_on_any_images(tmp_path):
    figure = registry.command("fig_memory")
    given = [stamped(one) for one in makers("fig_memory")]
    given[0].operating.case.comparable = False
    rows = [row for found in figure.rows_of(given) for row in found]
    for row in rows:
        check(row)
    own = by_metric(row for row in rows if row.method == "agilenn")
    assert own["sram"].value == pytest.approx((60_000 - 8192 + 600) / 1024)
    assert (own["sram"].paper_value, own["sram"].verdict) == (216, "better")
    assert own["flash"].paper_value == 134
    assert len(figure.draw(rows, tmp_path)) == 2
    assert "216 of 320 kB" in figure.table(rows) and fig_memory.WHY not in figure.table(rows[:0])


def test_reduction_by_hand_and_its_verdict(tmp_path):
    figure = registry.command("table_tx")
    given = makers("table_tx")
    rows = [row for found in figure.rows_of(given) for row in found]
    for row in rows:
        check(row)
    own = next(row for row in rows if (row.method, row.metric) == ("agilenn", "tx_reduction_vs_deepcod"))
    sizes = [one.operating.up.mean() for one in given[:2]]
    assert own.value == pytest.approx(100 - 100 * sizes[0] / sizes[1])
    assert own.ci_low < own.value < own.ci_high
    assert (own.paper_value, own.verdict) == (15.8, "worse")  # 73.0 and 74.0 %: within a point
    assert not any(row.method in ("deepcod", "mcunet") and "reduction" in row.metric for row in rows)
    worse = dataclasses.replace(given[1], operating=dataclasses.replace(given[1].operating, full=Hits(7600, 10_000)))
    assert table_tx.reduction(given[0], worse).verdict == "unmatched"
    assert len(figure.draw(rows, tmp_path)) == 2
    assert "times as much as DeepCOD at -1.0 points" in figure.table(rows)


def point(method="edge_only", protocol="strong", coder="", right=90, size=400):
    deployment = SimpleNamespace(frame=(32, 32, 3))
    case = SimpleNamespace(key=("cifar100", method, protocol), deployment=deployment)
    return fig_compression.rows_of(
        case, coder, {"right": [1] * right + [0] * (100 - right), "bytes": [size, size + 8] * 50}
    )


def test_points_of_compression(tmp_path):
    rows = [*point(), *point(coder="jpeg50", right=85, size=200), *point("deepcod"), *point("deepcod:r20", right=92)]
    for row in rows:
        check(row)
    made = by_metric(point())
    assert made["compression_rate"].value == pytest.approx(3072 / 404)
    assert (made["accuracy"].value, made["payload_up"].value) == (90, 404)
    figure = registry.command("fig_compression")
    assert len(figure.draw(rows, tmp_path)) == 2 and figure.draw([], tmp_path) == []
    text = figure.table(rows)
    assert "CIFAR-100, the paper's AgileNN: 73.2 % at 30, 65.3 % at 35" in text and "coder=jpeg50" in text


def test_every_coder_of_a_whole_frame_is_tried_and_none_of_features():
    code = SimpleNamespace(op="code", reads=("frame",))
    images = np.random.default_rng(0).integers(0, 256, (20, 8, 8, 1), np.uint8)
    data = SimpleNamespace(counts={"train": 20}, x_train=images, y_train=np.zeros(20))
    case = Case(data, SimpleNamespace(stages=[code], frame=(8, 8, 1)), "id")
    names = [name for name, _ in fig_compression.coders(case)]
    assert names == ["", *(f"jpeg{quality}" for quality in fig_compression.QUALITIES), "lossless"]
    data.counts["train"] = 0
    assert [name for name, _ in fig_compression.coders(case)] == names[:-1]
    code.reads = ("symbols",)
    assert fig_compression.coders(case) == [("", ())]


def test_coded_bytes_and_predictions_are_those_of_the_device(tmp_path, monkeypatch):
    """Of digits under the committed edge-only, with its own coder and another."""
    from bench import datasets
    from bench.coded import coded
    from bench.method import Deployment
    from bench.provenance import ROOT, deployment_hash

    folder = Path(ROOT / "results" / "models" / "edge_only" / "digits-paper")
    data, deployment = datasets.digits(), Deployment.load(folder)
    named = {"dataset": "digits", "images": data.fingerprint, "deployment": deployment_hash(deployment)}
    own = coded(**named, n=6, folder=folder, data_dir=None)
    packed = coded(**named, n=6, folder=folder, data_dir=None, coder="packed")
    assert packed["bytes"] == [24 * 24] * 6 and max(own["bytes"]) < 24 * 24
    assert own["right"] == packed["right"] and set(own["right"]) <= {0, 1}
