"""What the command line promises: quick answers, clear lines, exit codes."""

import re
import subprocess
import sys

import pytest

from bench import registry
from bench.cli import main
from bench.provenance import ROOT

SLOW = ("tensorflow", "keras", "pandas", "scipy", "seaborn", "matplotlib", "sklearn")
QUICK = """
import sys
from bench.cli import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
print("loaded:", *(name for name in %r if name in sys.modules))
"""


def loaded(*arguments):
    """The slow packages that a target has imported by the time it ends."""
    command = [sys.executable, "-c", QUICK % (SLOW,), *arguments]
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()[-1].split()[1:]


@pytest.mark.parametrize("arguments", [[], ["list"], ["--help"], ["doctor"], ["data"]])
def test_quick_targets_import_nothing_slow(arguments):
    assert loaded(*arguments) == []


def test_the_list_names_every_target(capsys):
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    assert all(f"  {name} " in out for name in registry.COMMANDS)


@pytest.mark.parametrize("name", registry.COMMANDS)
def test_every_target_has_help_and_loads_quickly(name):
    assert loaded(name, "--help") == []
    command = registry.command(name)
    assert command.claim[0].islower(), "one style for the list"
    assert not command.claim.endswith(".") and re.fullmatch(r"(< )?[\d.]+(-[\d.]+)?", command.minutes)


def test_unknown_targets_and_methods_name_the_known_ones(capsys):
    assert main(["fig_latncy"]) == 2
    assert "fig_latncy" in (err := capsys.readouterr().err) and "fig_latency" in err and "Traceback" not in err


def test_the_doctor_says_what_is_missing(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("AGILENN_CACHE", str(tmp_path / "none" / "yet"))
    monkeypatch.delenv("AGILENN_DATA", raising=False)
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "./reproduce.sh data svhn" in out and "embedded sample" in out and "zig" in out and str(tmp_path) in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fig_latency", "--nosuch"], "unrecognized arguments: --nosuch"),
        (["train", "--method", "agilenn"], "--dataset"),
        (["board", "run", "x.elf", "--limit", "0"], "'0' is not a positive number"),
        (["board"], "ACTION"),
        (["train", "--method", "agilenn", "--dataset", "digits", "--seed", "x"], "invalid int value: 'x'"),
    ],
)
def test_a_wrong_command_line_is_one_line(capsys, arguments, words):
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1
