"""What names a figure's cells, and the stamps of the rows that come of them."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

from bench import datasets, grid, provenance
from bench.compile import stages
from bench.figures import base
from bench.figures.cases import Case
from bench.method import Deployment
from bench.turns import Kind

# Sources that can change an accuracy: a cell that other code made is measured again.
ACCURACY_CODE = tuple(f"bench/{name}" for name in ("codec", "compile", "accuracy.py", "datasets.py", "server.py"))
AUDIT_CODE = ("bench/audit", "bench/datasets.py", "bench/training", "agilenn/attribution.py")


def settings(case: Case) -> dict[str, str]:
    """A case as its cells name it; `bench.accuracy.load` takes it back from there."""
    dataset, deployment = case.dataset, case.deployment
    return {
        "dataset": dataset.name,
        "images": dataset.fingerprint,
        "protocol": deployment.protocol,
        "method": deployment.method,
        "deployment": case.identity,
    }


def of(
    function: Callable[..., Any],
    case: Case,
    args: argparse.Namespace,
    code: str,
    what: str,
    kind: Kind = "",
    **more: Any,
) -> grid.Cell:
    """A cell about a case. code: a hash, to which that of its method's own stages is added; more: other settings."""
    named = settings(case) | more | {"code": code + own_stages(case.deployment)}
    inputs = {"folder": case.deployment.folder, "data_dir": args.data_dir}
    return grid.Cell(function, named, inputs, f"{case.title}: {what}", kind)


def run(todo: Sequence[grid.Cell], args: argparse.Namespace) -> list[Any]:
    """Their results in order; they are kept under --out. Under --fresh a command measures each once.

    Raises DataError where that folder cannot be.
    """
    from bench.executors import executor

    base.make_folder(args.out)
    with executor(args.executor) as chosen:
        found = grid.run(todo, args.out / "cells", fresh=args.fresh, measured=args.measured, executor=chosen)
    args.measured.update(cell.name for cell in todo)
    return found


def stamp(case: Case, command: str, **more: Any) -> dict[str, Any]:
    """command: what comes after "./reproduce.sh FIGURE" and the case. Holds no path of this computer."""
    figure, _, options = command.partition(" ")
    dataset, method, protocol = case.key
    chosen = f"--dataset {dataset} --method {method} --protocol {protocol} {options}".rstrip()
    known = {"deployment": case.identity, "images": case.dataset.fingerprint, "origin": case.dataset.origin}
    return provenance.stamp(f"./reproduce.sh {figure} {chosen}", datasets.SEED, known | more)


def own_stages(deployment: Deployment) -> str:
    """Names the code of the stages that a method brings itself (all files beside their C sources); "" for none."""
    folders = sorted({source.parent for kind in stages.kinds(deployment).values() for source in kind.sources})
    files = sorted(file for folder in folders for file in folder.iterdir() if file.is_file())
    parts = [part for file in files for part in (file.name, file.read_bytes())]
    return "+" + provenance.text_hash(*parts)[:16] if parts else ""


def code_hash(names: Sequence[str]) -> str:
    """Names the content of files and folders (paths from the root of the tree), and the versions of the packages.

    Texts for readers do not count.
    """
    root = provenance.ROOT
    files = [file for name in names for file in (root / name).rglob("*")] + [root / name for name in names]
    sources = sorted(f for f in files if f.is_file() and f.suffix not in (".md", ".pyc") and not f.name.startswith("."))
    parts = [part for file in sources for part in (str(file.relative_to(root)), file.read_bytes())]
    return provenance.text_hash(*parts, repr(sorted(provenance.versions().items())))[:16]
