"""Cells: kept, resumed, measured again when their settings change, and safe from kill -9."""

import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest

from bench.grid import Cell, run
from bench.provenance import ROOT

CALLS: list[int] = []


def double(x, folder=None):
    CALLS.append(x)
    if folder is not None:
        with open(Path(folder) / "calls", "a") as file:
            file.write(f"{x}\n")
        time.sleep(0.01)
    return {"twice": 2 * x}


def fail_at_two(x):
    if x == 2:
        raise ValueError("two")
    return x + 1


def cells(count, **inputs):
    return [Cell(double, {"x": x}, inputs) for x in range(count)]


@pytest.fixture(autouse=True)
def forget():
    CALLS.clear()


def test_a_second_run_measures_nothing(tmp_path):
    assert run(cells(3), tmp_path) == run(cells(3), tmp_path) == [{"twice": 0}, {"twice": 2}, {"twice": 4}]
    assert CALLS == [0, 1, 2]
    run(cells(4), tmp_path)
    assert CALLS == [0, 1, 2, 3]
    run(cells(2), tmp_path, fresh=True)
    assert CALLS == [0, 1, 2, 3, 0, 1]


def test_settings_name_a_cell_and_inputs_do_not():
    names = {
        Cell(f, s).name
        for f in (double, fail_at_two)
        for s in ({"x": 1}, {"x": 2}, {"x": "1"}, {"y": 1}, {"x": 1, "y": 1})
    }
    assert len(names) == 10
    assert Cell(double, {"x": 1, "y": 2}, {"a": 1}).name == Cell(double, {"y": 2, "x": 1}, {"a": 2}).name


@pytest.mark.parametrize("damage", ["", "{", '{"settings": {"x": 9}, "result": 1}', "[]", "\x00"])
def test_a_damaged_cell_is_measured_again(tmp_path, damage):
    run(cells(1), tmp_path)
    (tmp_path / f"{cells(1)[0].name}.json").write_text(damage)
    assert run(cells(1), tmp_path) == [{"twice": 0}]
    assert CALLS == [0, 0]


def test_a_failing_cell_keeps_those_before_it(tmp_path):
    with pytest.raises(ValueError, match="two"):
        run([Cell(fail_at_two, {"x": x}) for x in range(4)], tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_another_executor_gives_the_same(tmp_path):
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        assert run(cells(3), tmp_path, executor=pool) == [{"twice": 0}, {"twice": 2}, {"twice": 4}]


def test_kill_9_loses_only_the_cell_in_flight(tmp_path):
    count, kills, chance = 40, 0, random.Random(1)
    code = f"import {__name__} as t, pathlib; p = pathlib.Path({str(tmp_path)!r}); "
    code += f"t.run(t.cells({count}, folder=p), p / 'cells')"
    path = os.pathsep.join([str(ROOT), str(Path(__file__).parent)])
    while True:
        process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env={**os.environ, "PYTHONPATH": path})
        wait_for_a_call(tmp_path / "calls", process)
        time.sleep(chance.uniform(0, 0.1))
        if kills == 5 or process.poll() is not None:
            assert process.wait() == 0
            break
        process.send_signal(signal.SIGKILL)
        process.wait()
        kills += 1
        whole = [cell for cell in cells(count) if (tmp_path / "cells" / f"{cell.name}.json").exists()]
        assert all(cell.load(tmp_path / "cells") is not None for cell in whole)
        assert len((tmp_path / "calls").read_text().split()) <= len(whole) + kills
    assert kills > 0
    calls = (tmp_path / "calls").read_text().split()
    assert {int(x) for x in calls} == set(range(count))
    assert len(calls) <= count + kills


def wait_for_a_call(path, process):
    before = path.stat().st_size if path.exists() else 0
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        if path.exists() and path.stat().st_size > before:
            return
        time.sleep(0.005)
