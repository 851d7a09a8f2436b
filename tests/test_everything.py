"""`all`: every target runs, one fault stops no other, and kills at any time change no record."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench import cli, results
from bench.errors import BenchError
from bench.everything import span
from bench.figures import base
from bench.figures.fig_reweight import FigReweight
from bench.figures.table_training import TableTraining
from bench.provenance import ROOT

TARGETS = ("fig_ordering", "fig_lambda")
# `all` with trainings that are invented, slow enough to be killed in, and deterministic
PROGRAM = """
import sys, time, types
import test_sweeps
from bench import cli
from bench.figures import cells
def trained(**settings):
    time.sleep(0.1)
    return test_sweeps.invented(**settings)
replaced = types.ModuleType("bench.figures.trained_cells")
replaced.trained = trained
sys.modules[replaced.__name__] = replaced
cells.code_hash = lambda names: "code"
sys.exit(cli.main(sys.argv[1:]))
"""


def start(out: Path, cache: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", PROGRAM, "all", *TARGETS, "--dataset", "digits", "--out", str(out)]
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    environment = {**os.environ, "PYTHONPATH": path, "AGILENN_CACHE": str(cache)}
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def records(out: Path) -> dict[str, list[results.Row]]:
    """Rows that no clock of this computer has a say in."""
    found = {name: results.read(out / f"{name}.csv") for name in TARGETS}
    return {name: [row for row in rows if row.label not in ("measured", "mixed")] for name, rows in found.items()}


def test_kills_change_no_record(tmp_path: Path) -> None:
    assert start(tmp_path / "whole", tmp_path / "cache").wait() == 0
    out, chance, kills = tmp_path / "killed", random.Random(7), 0
    while kills < 3:
        process = start(out, tmp_path / "cache")
        before, deadline = len(list(out.glob("cells/*.json"))), time.monotonic() + 30
        while len(list(out.glob("cells/*.json"))) == before and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.3))
        if process.poll() is not None:
            break
        process.kill()
        process.wait()
        kills += 1
    assert kills > 0
    assert start(out, tmp_path / "cache").wait() == 0
    assert records(out) == records(tmp_path / "whole")
    assert sum(map(len, records(out).values())) == 24
    for name in TARGETS:  # the rest, too: nothing here was timed
        assert results.read(out / f"{name}.csv") == results.read(tmp_path / "whole" / f"{name}.csv")


def test_one_fault_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    def breaks(self: object, args: object) -> int:
        raise ZeroDivisionError("a fault")

    def refuses(self: object, args: object) -> int:
        raise BenchError("no images")

    def works(self: object, args: object) -> int:
        asked.append(args)
        print("a table")
        return 0

    monkeypatch.setattr(base, "figures", lambda names=(): [FigReweight(), TableTraining(), Third()])

    class Third(TableTraining):
        name = "table_third"

    monkeypatch.setattr(FigReweight, "run", breaks)
    monkeypatch.setattr(TableTraining, "run", refuses)
    monkeypatch.setattr(Third, "run", works)
    command = ["all", "--out", str(tmp_path), "--dataset", "digits", "--budget", "full", "--images", "7", "--fresh"]
    assert cli.main(command) == 2
    said = capsys.readouterr()
    assert "ZeroDivisionError: a fault" in said.out and "no images" in said.out and "done" in said.out
    assert "2 of 3 targets did not run: fig_reweight, table_training" in said.err
    assert "Traceback" in (tmp_path / "logs" / "fig_reweight.log").read_text() and "Traceback" not in said.err
    assert (tmp_path / "logs" / "table_third.log").read_text() == "a table\n"
    (args,) = asked
    assert (args.dataset, args.fresh, args.out) == (["digits"], True, tmp_path)  # it has neither budget nor images


def test_the_estimate_reads_every_target() -> None:
    assert [span(text) for text in ("5", "1-10", "< 10", "0.2")] == [(5, 5), (1, 10), (0, 10), (0.2, 0.2)]
    assert len(base.figures()) > 15 and all(span(figure.minutes)[1] > 0 for figure in base.figures())
    assert [figure.name for figure in base.figures(["fig_xai"])] == ["fig_xai"]


def test_a_target_that_is_no_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["all", "fig_nothing", "--out", str(tmp_path)]) == 2
    assert "unknown figure 'fig_nothing'" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
