"""`test`: style, types, layers and tests, each in its own process; exit code 1 if one of them fails."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time

from bench import provenance
from bench.cli import Command

LINT_IMPORTS = "from importlinter.cli import lint_imports_command; lint_imports_command()"
STEPS = {
    "ruff check": ["-m", "ruff", "check", "--quiet"],
    "ruff format": ["-m", "ruff", "format", "--check", "--quiet"],
    "mypy": ["-m", "mypy", "--no-error-summary"],
    "import-linter": ["-c", LINT_IMPORTS, "--no-logo"],
    "pytest": ["-m", "pytest"],
}


class Check(Command):
    claim = "checks style, types and layers, and runs all tests"
    minutes = "8-14"

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "tests", nargs="*", metavar="TEST", help="run pytest alone on these (tests/test_wire.py ...)"
        )

    def run(self, args: argparse.Namespace) -> int:
        chosen = {"pytest": [*STEPS["pytest"], *args.tests]} if args.tests else STEPS
        results = [(name, *run(name, command)) for name, command in chosen.items()]
        for name, passed, seconds in results:
            print(f"{'ok  ' if passed else 'FAIL'} {name:<14} {seconds:6.1f} s")
        return 0 if all(passed for _, passed, _ in results) else 1


def run(name: str, command: list[str]) -> tuple[bool, float]:
    """(passed, seconds) of one step, run in the repository's root. Only pytest speaks when it passes."""
    start = time.monotonic()
    live = name == "pytest"
    environment = {**os.environ, "PYTHONPATH": str(provenance.ROOT)}
    result = subprocess.run(
        [sys.executable, *command],
        cwd=provenance.ROOT,
        env=environment,
        stdout=None if live else subprocess.PIPE,
        stderr=None if live else subprocess.STDOUT,
        text=True,
    )
    if result.returncode and not live:
        print(f"--- {name}\n{result.stdout.rstrip()}", flush=True)
    return result.returncode == 0, time.monotonic() - start
