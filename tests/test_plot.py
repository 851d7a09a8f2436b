"""plot and list: from records alone, quickly, and without the heavy packages."""

import os
import subprocess
import sys
import time

import pytest
from latency_records import records

from bench import cli, results
from bench.figures.latency_rows import Hits, Latency
from bench.paper import FIG16, published
from bench.provenance import ROOT

PAPER = published()


@pytest.fixture
def folder(tmp_path):
    results.write(tmp_path / "fig_latency.csv", Latency(records(), Hits(94, 100), FIG16, PAPER, True).rows())
    return tmp_path


def modules_of(*arguments):
    """Which modules a command line has imported at its end."""
    code = f"import sys; from bench.cli import main; assert main({list(arguments)!r}) == 0; "
    code += "print(*sys.modules, file=sys.stderr)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return set(result.stderr.split()), result.stdout


def test_plot_needs_no_board_server_or_tensorflow(folder):
    start = time.monotonic()
    modules, out = modules_of("plot", "--from", str(folder))
    assert time.monotonic() - start < 30
    assert not modules & {"tensorflow", "keras", "unicorn", "ai_edge_litert", "serial", "sklearn"}
    assert "CIFAR-10, AgileNN" in out
    assert (folder / "figures" / "fig_latency.png").exists()


def test_list_imports_nothing_slow():
    modules, out = modules_of("list")
    assert not modules & {"tensorflow", "keras", "pandas", "scipy", "seaborn", "matplotlib", "unicorn", "sklearn"}
    for target in ("list", "doctor", "data", "train", "test", "plot", "board", "fig_latency"):
        assert f"\n  {target} " in out
    assert "Figure 16" in out


def test_one_target(folder, capsys):
    assert cli.main(["plot", "fig_latency", "--from", str(folder)]) == 0
    assert "wrote" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nosuch"], "unknown figure 'nosuch'"),
        (["doctor"], "unknown figure 'doctor'"),
        (["fig_latency", "--from", "/no/such/folder"], "no folder"),
        (["fig_latency", "--from", "EMPTY"], "measure first"),
        (["all", "--from", "EMPTY"], "measure first"),
    ],
)
def test_mistakes(tmp_path, capsys, arguments, words):
    assert cli.main(["plot", *(str(tmp_path) if part == "EMPTY" else part for part in arguments)]) == 2
    assert words in capsys.readouterr().err


def test_a_damaged_record_draws_nothing(folder, capsys):
    path = folder / "fig_latency.csv"
    path.write_text(path.read_text().replace("mixed", "guessed"))
    assert cli.main(["plot", "--from", str(folder)]) == 2
    assert "guessed" in capsys.readouterr().err
    assert not (folder / "figures").exists()
