"""fig_latency's rows, table and drawing from invented records: statistics, the contract, verdicts."""

from dataclasses import replace

import pytest
from latency_records import FULL, METRICS, PAPER, records, rows

from bench import results
from bench.figures import latency_plot, latency_rows, latency_table
from bench.paper import FIG16


def test_rows_keep_the_contract_and_add_up():
    made = {row.metric: row for row in rows()}
    assert set(made) == METRICS
    for row in made.values():
        results.check(row)
        assert row.ci_low <= row.value <= row.ci_high
    parts = [made[part].value for part in ("local", "compress", "network", "remote")]
    assert made["total"].value == pytest.approx(sum(parts))
    assert made["total"].label == "mixed"
    assert (made["accuracy"].paper_value, made["accuracy"].verdict) == (94.2, "agrees")
    assert made["accuracy_sample"].n == 40
    assert (made["local"].paper_value, made["local"].ratio, made["local"].verdict) == (14.0, 1.0, "agrees")


def test_one_slow_answer_in_four_does_not_move_the_servers_time():
    made = [replace(r, remote_ms=1.0 if i % 4 else 900.0) for i, r in enumerate(records())]
    found = {row.metric: row for row in latency_rows.Latency(made, FULL, FIG16, PAPER, True).rows()}
    assert (found["remote"].value, found["remote"].ci_low, found["remote"].ci_high) == (1.0, 1.0, 1.0)
    assert found["total"].ci_high < 30


@pytest.mark.parametrize(
    ("shape", "verdict"),
    [
        ({"comparable": False}, "not_comparable"),
        ({"full": latency_rows.Hits(9000, 10000)}, "unmatched"),
        ({"full": latency_rows.Hits(9315, 10000)}, "unmatched"),
        ({"full": latency_rows.Hits(9325, 10000)}, "agrees"),
        ({"full": None}, "unmatched"),
        ({"dataset": "digits"}, "no_paper_value"),
        ({"local": 20.0}, "worse"),
        ({"local": 2.0}, "better"),
    ],
)
def test_verdict_of_the_total(shape, verdict):
    assert {row.metric: row for row in rows(**shape)}["total"].verdict == verdict


def test_table_says_why(capsys):
    text = latency_table.table(rows(full=latency_rows.Hits(9000, 10000)))
    assert "unmatched: our accuracy" in text
    assert "CIFAR-10, AgileNN" in text


def test_the_drawing_says_which_device_times_are_of_a_real_board(tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(latency_plot.style, "save", lambda figure, folder, name: drawn.append(figure) or [])
    board = [replace(row, dataset="svhn") for row in rows()]
    board = [replace(row, label="measured") if row.label == "emulated" else row for row in board]
    latency_plot.draw([*rows(), *board], tmp_path)
    names = [[text.get_text() for text in axis.get_yticklabels()] for axis in drawn[0].axes]
    assert names == [["AgileNN"], ["AgileNN (board)"]]
    assert "device time emulated or measured" in drawn[0]._supxlabel.get_text()


def test_equal_rows_give_equal_files(tmp_path):
    made = [*rows(), *rows(method="edge_only", network=40.0), *rows(dataset="digits", comparable=False)]
    first = [file.read_bytes() for file in latency_plot.draw(made, tmp_path / "a")]
    assert first == [file.read_bytes() for file in latency_plot.draw(made, tmp_path / "b")]
    assert latency_plot.draw([], tmp_path / "c") == latency_plot.draw(rows()[:3], tmp_path / "c") == []  # no total
