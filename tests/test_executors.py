"""Cells on other processes and clusters give what one process gives; who may run beside whom."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from bench.errors import BenchError, UnknownName
from bench.executors import Slurm, check, executor
from bench.grid import Cell, run
from bench.provenance import ROOT
from bench.turns import turn

TWICE = [{"twice": 2 * x, "here": True} for x in range(3)]


def double(x: int, parent: int = 0) -> dict[str, Any]:
    return {"twice": 2 * x, "here": os.getpid() == parent}


def refuse(x: int) -> None:
    raise UnknownName("thing", str(x), ["a", "b"])


def nap(path: str, seconds: float) -> float:
    Path(path).touch()
    time.sleep(seconds)
    return seconds


@pytest.fixture(autouse=True)
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGILENN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), str(Path(__file__).parent)]))


def cells(count: int) -> list[Cell]:
    return [Cell(double, {"x": x}, {"parent": os.getpid()}) for x in range(count)]


def test_local_is_this_process_and_local_n_are_others(tmp_path: Path) -> None:
    with executor("local") as one, executor("local:2") as two:
        assert one is None
        assert run(cells(3), tmp_path / "one", executor=one) == TWICE
        assert run(cells(3), tmp_path / "two", executor=two) == [{**found, "here": False} for found in TWICE]
        timing = Cell(double, {"x": 7}, {"parent": os.getpid()}, kind="timing")
        assert run([timing], tmp_path / "two", executor=two) == [{"twice": 14, "here": True}]
        with pytest.raises(UnknownName, match="unknown thing '1'; expected one of a, b"):
            run([Cell(refuse, {"x": 1})], tmp_path, executor=two)


def test_a_dask_cluster(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 1, "threads_per_worker": 2, "processes": False, "dashboard_address": None}
    with (
        distributed.LocalCluster(**options, protocol="tcp") as cluster,
        executor(f"dask:{cluster.scheduler_address}") as pool,
    ):
        assert run(cells(3), tmp_path, executor=pool) == TWICE
    assert [cell.load(tmp_path) for cell in cells(3)] == TWICE


def test_slurm_jobs(tmp_path: Path) -> None:
    pytest.importorskip("submitit")
    with Slurm("any", cluster="local") as pool:
        assert run(cells(1), tmp_path, executor=pool) == [{"twice": 0, "here": False}]


@pytest.mark.parametrize("wrong", ["dusk:a", "local:", "local:0", "local:x", "dask", "dask:", "slurm:", ""])
def test_another_executor_is_refused(wrong: str) -> None:
    with pytest.raises(BenchError, match="expected local, local:PROCESSES"):
        check(wrong)


def test_no_slurm_here(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("submitit")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BenchError, match="no Slurm here"), executor("slurm:gpu"):
        pass


class Other:
    """A process that holds a turn until it is killed."""

    def __init__(self, kind: str, port: str = "") -> None:
        code = "import sys, time; from bench.turns import turn\n"
        code += f"with turn({kind!r}, {port!r}):\n    print('in', flush=True); time.sleep(60)"
        self.process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None and self.process.stdout.readline() == "in\n"

    def __enter__(self) -> subprocess.Popen[str]:
        return self.process

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()


def test_timing_beside_a_training_is_refused(tmp_path: Path) -> None:
    cell = Cell(double, {"x": 1}, kind="timing")
    with Other("training"):
        with pytest.raises(BenchError, match="a training runs on this computer"):
            run([cell], tmp_path)
        with turn("training"), turn("training"), turn(""):
            pass  # trainings run beside each other
    assert run([cell], tmp_path) == [{"twice": 2, "here": False}]  # kill -9 leaves no lock behind
    with Other("timing"), turn("timing"), turn("timing"):
        pass  # so do timings


@pytest.mark.parametrize(("theirs", "ours"), [(("timing",), ("training",)), (("", "/dev/x"), ("", "/dev/x"))])
def test_a_training_waits_for_timings_and_a_port_serves_one(theirs: tuple[str, ...], ours: tuple[Any, ...]) -> None:
    with Other(*theirs) as process:
        with turn("", "/dev/y"):
            pass  # another port
        waiting = f"from bench.turns import turn\nwith turn(*{ours!r}): pass"
        with pytest.raises(subprocess.TimeoutExpired):
            subprocess.run([sys.executable, "-c", waiting], cwd=ROOT, timeout=2)
        process.kill()
        process.wait()
        with turn(*ours):
            pass


def test_an_emulated_board_is_no_port() -> None:
    boards = {"emu://stm32f746": "", "/dev/ttyACM0": "/dev/ttyACM0", "socket://host:1": "socket://host:1"}
    assert {board: Cell(double, {"board": board}).port for board in boards} == boards
    assert Cell(double, {"x": 1}).port == ""
