"""What the command line promises: quick answers, clear lines, exit codes."""

import errno
import re
import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from bench import registry
from bench.cli import Command, main
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


OUT = {  # targets that write, with what must be there beside --out
    "folder": ["train --method agilenn --dataset digits", "fig_latency", "table_claims", "all", "bench codec",
               "compare", "profile --method agilenn --dataset digits",
               "energy measure --monitor ppk2: --board x --method agilenn --dataset digits"],
    "file": ["report", "board calibrate --board emu://stm32f746"],
}  # fmt: skip


@pytest.mark.parametrize(("kind", "command"), [(kind, command) for kind in OUT for command in OUT[kind]])
def test_an_out_of_the_wrong_kind_is_refused_before_the_work(capsys, monkeypatch, tmp_path, kind, command):
    monkeypatch.setattr(type(registry.command(command.split()[0])), "run", lambda *_: pytest.fail("it works already"))
    (tmp_path / "file").touch()
    for wrong in ("file/inside", "file" if kind == "folder" else ""):
        assert main([*command.split(), "--out", str(tmp_path / wrong)]) == 2
        error = capsys.readouterr().err
        assert (
            f"error: --out {tmp_path / wrong}: " in error and f"expected a {kind}" in error and error.count("\n") == 1
        )


class Failing(Command):
    claim, error = "fails", OSError()

    def run(self, args):
        raise self.error


@pytest.mark.parametrize(
    "number", [errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENOENT, errno.ENAMETOOLONG, errno.EACCES, errno.ENOSPC]
)
def test_what_is_wrong_with_a_path_is_one_line(capsys, monkeypatch, number):
    monkeypatch.setattr(registry, "command", lambda _: Failing())
    monkeypatch.setattr(Failing, "error", OSError(number, "no good", "/a/.part", None, "/a/place"))
    assert main(["x"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and "/a/place" in error and error.count("\n") == 1
    monkeypatch.setattr(Failing, "error", OSError(errno.EBADF, "a bug"))
    with pytest.raises(OSError, match="a bug"):
        main(["x"])


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("no_such_module:X", "No module named 'no_such_module'"),
        ("bench.cli:no_such_name", "no attribute 'no_such_name'"),
        ("bench.cli", "no attribute"),
        ("bench.cli:Parser", "without claim"),
        ("bench.cli:Command", "abstract"),
        ("bench.cli:fail", "missing 1 required"),
    ],
)
def test_a_third_partys_bad_entry_point_hides_nothing_else(capsys, monkeypatch, value, words):
    monkeypatch.setattr(registry, "entry_points", lambda group: [EntryPoint("theirs", value, group)])
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    (line,) = (line for line in out.splitlines() if "theirs" in line)
    assert value in line and words in line and "agilenn_bench.target" in line and "  fig_latency " in out
    for command in (["theirs"], ["train", "--method", "theirs", "--dataset", "digits"]):
        assert main(command) == 2
        error = capsys.readouterr().err
        assert value in error and error.count("\n") == 1
