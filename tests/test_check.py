"""The test command reports every step and fails if one fails."""

from bench import check
from bench.cli import main


def test_one_failing_step_fails_the_whole_and_shows_its_output(monkeypatch, capsys):
    monkeypatch.setattr(check, "STEPS", {"good": ["-c", "print('quiet')"], "bad": ["-c", "print('why'); exit(3)"]})
    assert main(["test"]) == 1
    out = capsys.readouterr().out
    assert "why" in out and "quiet" not in out and "ok   good" in out and "FAIL bad" in out


def test_all_good_is_zero(monkeypatch):
    monkeypatch.setattr(check, "STEPS", {"good": ["-c", ""]})
    assert main(["test"]) == 0


def test_the_layers_are_kept():
    assert check.run("import-linter", check.STEPS["import-linter"])[0]


def test_a_module_that_imports_upwards_breaks_the_layers(tmp_path, monkeypatch):
    """The contract can fail: the same rules on a tree in which the ground floor imports the command line."""
    import shutil

    for name in ("bench", "agilenn", "baselines", "pyproject.toml"):
        source = check.provenance.ROOT / name
        ignore = shutil.ignore_patterns("__pycache__", "*.png", "*.tflite")
        shutil.copytree(source, tmp_path / name, ignore=ignore) if source.is_dir() else shutil.copy(source, tmp_path)
    method = tmp_path / "bench" / "method.py"
    method.write_text(method.read_text() + "\nfrom bench import cli\n")
    monkeypatch.setattr(check.provenance, "ROOT", tmp_path)
    passed, _ = check.run("import-linter", [*check.STEPS["import-linter"], "--no-cache"])
    assert not passed
