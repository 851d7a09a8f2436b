"""./reproduce.sh TARGET: finds the target, runs it, turns every foreseeable failure into one line and exit code 2."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from abc import ABC, abstractmethod
from pathlib import Path
from typing import NoReturn

from bench import registry
from bench.errors import BenchError, DataError
from bench.files import no_folder

PERMISSIONS = "change its permissions or choose another folder"
REMEDIES = {  # of the faults of a path
    errno.EACCES: PERMISSIONS,
    errno.EPERM: PERMISSIONS,
    errno.EROFS: PERMISSIONS,
    errno.EEXIST: "choose another path: this one is taken",
    errno.EISDIR: "choose another path: a file is needed here",
    errno.ELOOP: "choose another path: its links lead in a circle",
    errno.ENAMETOOLONG: "choose a shorter path",
    errno.ENOENT: "restore it or give another path",
    errno.ENOTDIR: "choose another path: a part of this one is a file, no folder",
    errno.ENOTEMPTY: "choose another path: a file is needed here",
}


class Command(ABC):
    """One target. Its module imports nothing slow at top level: `list` and `--help` answer within a second."""

    claim: str  # what it shows or does, one line
    figure: str = ""  # the paper's figure or table
    minutes: str = ""  # on two cores
    disk: str = ""

    def arguments(self, parser: argparse.ArgumentParser) -> None:  # noqa: B027 (a target without options)
        """Adds the target's options."""

    @abstractmethod
    def run(self, args: argparse.Namespace) -> int:
        """Does the work and returns the exit code."""


class Parser(argparse.ArgumentParser):
    """Says what is wrong with a command line in one line, as everything here does."""

    def error(self, message: str) -> NoReturn:
        raise BenchError(f"{self.prog}: {message}", do="--help lists the options")


def out_folder(text: str) -> Path:
    """How --out DIR is read. Raises DataError where that folder cannot be: before the work, not after it."""
    path = Path(text)
    if problem := no_folder(path):
        raise DataError(f"--out {text}: {problem}", expected="a folder that can be written")
    return path


def out_file(text: str) -> Path:
    """How --out FILE is read. Raises DataError."""
    path = Path(text)
    if problem := "it is a folder" if path.is_dir() else no_folder(path.parent):
        raise DataError(f"--out {text}: {problem}", expected="a file that can be written")
    return path


def main(argv: list[str]) -> int:
    """Runs one target and returns the exit code: 0 done, 1 a check failed, 2 a fault that the message explains."""
    try:
        if not argv or argv[0] in ("-h", "--help", "help"):
            argv = ["list", *argv[1:]]
        command: Command = registry.command(argv[0])
        parser = Parser(prog=f"./reproduce.sh {argv[0]}", description=command.claim, allow_abbrev=False)
        command.arguments(parser)
        return command.run(parser.parse_args(argv[1:]))
    except BenchError as error:
        return fail(str(error))
    except KeyboardInterrupt:
        return fail("stopped by Ctrl-C; what was finished is kept: the same command goes on from there")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        where = error.filename2 or error.filename
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return fail(f"the disk is full ({where or 'while writing'}); free some space, then run the command again")
        if error.errno in REMEDIES and where:
            return fail(f"{where}: {error.strerror}; {REMEDIES[error.errno]}")
        raise


def fail(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    return 2
