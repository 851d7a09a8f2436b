"""reproduce.sh with pretended Pythons: no network, nothing installed; each test has its own tree, with a space."""

import os
import shutil
import subprocess
import sys
import time

import pytest

from bench.provenance import ROOT

# A base Python that answers the script's questions as a real one would; its environments' Python logs what it is asked.
BASE = """#!/bin/sh
case "$*" in
  *ensurepip*) echo "$0" ;;
  *"-m venv"*)
    for last; do :; done
    mkdir -p "$last/bin"; cp "{inner}" "$last/bin/python"; cp "{inner}" "$last/bin/uv" ;;
esac
"""
INNER = """#!/bin/sh
echo "$(basename "$0") $*" >> "{log}"
case "$*" in
  *"-m bench"*) echo "bench in $PWD with $PYTHONPATH:" "$@"; exit 7 ;;
  *requirements.lock*) sleep {slow}; echo "Installed 76 packages"; echo "{word}"; exit {code} ;;
esac
"""

TOOLS = "basename cat cmp cp dirname grep head ln ls mkdir mv readlink rm sed sh sleep tail tee true".split()


class Tree:
    """A copy of the script with pretended Pythons on an otherwise plain PATH."""

    def __init__(self, folder):
        self.root, self.bin, self.log = folder / "a clone", folder / "bin", folder / "log"
        self.root.mkdir()
        self.bin.mkdir()
        self.log.touch()
        for name in ("reproduce.sh", "requirements-uv.lock"):
            shutil.copy(ROOT / name, self.root)
        (self.root / "requirements.lock").write_text("one==1\n")
        self.folder = folder
        self.install(0)

    def install(self, code, word="", slow=0):
        inner = self.folder / "inner"
        inner.write_text(INNER.format(log=self.log, code=code, word=word, slow=slow))
        inner.chmod(0o755)

    def python(self, name="python3.12", text=None):
        path = self.bin / name
        path.write_text(text or BASE.format(inner=self.folder / "inner"))
        path.chmod(0o755)
        return path

    def start(self, *arguments, **variables):
        environment = {"PATH": f"{self.bin}:{self.folder}/tools", "HOME": str(self.folder), **variables}
        command = [shutil.which("bash"), str(self.root / "reproduce.sh"), *arguments]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, env=environment, cwd=self.folder, text=True, **pipes)

    def run(self, *arguments, **variables):
        process = self.start(*arguments, **variables)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def installs(self):
        return self.log.read_text().count("requirements.lock")


@pytest.fixture
def tree(tmp_path):
    tools = tmp_path / "tools"  # what the script may use, and no Python of this machine
    tools.mkdir()
    for name in TOOLS:
        (tools / name).symlink_to(shutil.which(name))
    return Tree(tmp_path)


def test_the_first_run_makes_the_environment_and_the_second_only_uses_it(tree):
    tree.python()
    code, out, err = tree.run("list", "two words")
    assert code == 7, "the exit code is the target's"
    assert out.strip() == f"bench in {tree.folder} with {tree.root}: -P -m bench list two words"
    assert "environment ready" in err and tree.installs() == 1
    assert tree.run("list")[2] == "" and tree.installs() == 1


def test_a_shim_that_fails_and_a_python_that_is_too_old_are_skipped(tree):
    tree.python("python3.13", "#!/bin/sh\necho 'pyenv: python3.13: command not found' >&2; exit 127\n")
    tree.python("python3.12", "#!/bin/sh\nexit 1\n")  # runs, but says that it does not fit
    good = tree.python("python3")
    assert f"with {good}" in tree.run("list")[2]


def test_the_variable_wins_and_falls_back_with_a_word(tree):
    tree.python()
    chosen = tree.python("mine")
    assert f"with {chosen}" in tree.run("list", PYTHON=str(chosen))[2]
    shutil.rmtree(tree.root / ".venv")
    err = tree.run("list", PYTHON="/nowhere/python")[2]
    assert "PYTHON=/nowhere/python is not" in err and "environment ready" in err


@pytest.mark.skipif(os.path.isdir("/opt/homebrew/bin"), reason="a Python at a well-known place would be found")
def test_no_python_is_one_clear_error(tree):
    code, _, err = tree.run("list")
    if "making .venv with /usr/local" in err:
        pytest.skip("this machine has a Python at a well-known place")
    assert code == 2 and "PYTHON=" in err and "python.org" in err and not (tree.root / ".venv").exists()


@pytest.mark.parametrize("damage", ["marker", "lock", "python", "gone"])
def test_a_broken_environment_is_made_again(tree, damage):
    tree.python()
    tree.run("list")
    venv = tree.root / ".venv"
    if damage == "marker":
        (venv / ".complete").unlink()
    elif damage == "lock":
        (tree.root / "requirements.lock").write_text("one==2\n")
    elif damage == "python":
        (venv / "bin/python").write_text("#!/bin/sh\nexit 1\n")
    else:
        (venv / "bin/python").unlink()
        (venv / "bin/python").symlink_to("/nowhere/python3.12")
    (venv / "leftover").touch()
    code, _, err = tree.run("list")
    assert code == 7 and "making it again" in err and tree.installs() == 2 and not (venv / "leftover").exists()


def test_a_failed_install_shows_why_and_is_tried_again(tree):
    tree.python()
    tree.install(1, "error: Failed to fetch: no route to host")
    code, _, err = tree.run("list")
    assert code == 2 and "no route to host" in err and "install.log" in err and "Check the network" in err
    tree.install(0)
    assert tree.run("list")[0] == 7


def test_two_first_runs_make_one_environment(tree):
    tree.python()
    tree.install(0, slow=1)
    first = tree.start("list")
    time.sleep(0.3)
    second = tree.start("list")
    assert first.wait(30) == 7 and second.wait(30) == 7
    assert "waiting" in second.stderr.read() and tree.installs() == 1
    assert not list(tree.root.glob(".venv.*"))
    for process in (first, second):
        process.stdout.close(), process.stderr.close()


def test_the_guard_of_a_killed_run_is_no_obstacle(tree):
    tree.python()
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    (tree.root / ".venv.making").symlink_to(str(ended.pid))
    assert tree.run("list")[0] == 7


def test_re_entry_costs_well_under_a_second(tree):
    tree.python()
    tree.run("list")
    start = time.monotonic()
    tree.run("list")
    assert time.monotonic() - start < 0.8
