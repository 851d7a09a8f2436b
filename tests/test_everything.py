"""`all`: every target runs, one fault stops no other, and kills at any time change no record."""

from __future__ import annotations

import os
import random
import shutil
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

TARGETS = ("fig_latency", "fig_ordering", "fig_lambda")
KILLS = 10
# `all` with a board, a server and trainings that are invented, slow enough to be killed in, and deterministic: the
# server's times are those of a recorded run
PROGRAM = """
import functools, sys, time, types
from pathlib import Path
import test_fig_latency, test_sweeps
from bench import cli
from bench.figures import base, cells, latency_cells
def slow(function):
    @functools.wraps(function)
    def slowed(**settings):
        time.sleep(0.1)
        return function(**settings)
    return slowed
replaced = types.ModuleType("bench.figures.trained_cells")
replaced.trained = slow(test_sweeps.invented)
sys.modules[replaced.__name__] = replaced
latency_cells.measure = slow(test_fig_latency.fake_measure)
latency_cells.count_hits = slow(test_fig_latency.fake_hits)
cells.code_hash = latency_cells.code_hash = lambda names: "code"
base.RESULTS = Path(sys.argv[1])
print("begins", flush=True)
sys.exit(cli.main(sys.argv[2:]))
"""


def start(home: Path, out: str) -> subprocess.Popen[str]:
    """Returns when `all` begins."""
    command = [sys.executable, "-c", PROGRAM, str(home / "committed"), "all", *TARGETS, "--dataset", "digits"]
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    environment = {**os.environ, "PYTHONPATH": path, "AGILENN_CACHE": str(home / "cache")}
    process = subprocess.Popen(
        [*command, "--images", "5", "--out", str(home / out)], cwd=ROOT, env=environment, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert process.stdout is not None and process.stdout.readline() == "begins\n"
    return process


def records(out: Path) -> dict[str, list[results.Row]]:
    """All rows, also those that a clock of this computer has a say in: here it has none."""
    return {name: results.read(out / f"{name}.csv") for name in TARGETS}


def test_kills_change_no_record(tmp_path: Path) -> None:
    """At ten times, each anywhere in a run; a run that was through before its time is begun anew."""
    shutil.copytree(ROOT / "results" / "paper", tmp_path / "committed" / "paper")
    tiny = ROOT / "tests" / "golden" / "server_tiny"
    shutil.copytree(tiny, tmp_path / "committed" / "models" / "edge_only" / "digits-paper")
    whole, began = start(tmp_path, "whole"), time.monotonic()
    assert whole.wait() == 0
    seconds, expected = time.monotonic() - began, records(tmp_path / "whole")
    assert min(map(len, expected.values())) >= 10
    assert {row.label for row in expected["fig_latency"]} == {"measured", "emulated", "modelled", "mixed"}
    out, chance, kills = tmp_path / "killed", random.Random(7), 0
    while kills < KILLS:
        process = start(tmp_path, out.name)
        try:
            assert process.wait(chance.uniform(0, seconds)) == 0
            assert records(out) == expected
            shutil.rmtree(out)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            kills += 1
    assert start(tmp_path, out.name).wait() == 0
    assert records(out) == expected


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
