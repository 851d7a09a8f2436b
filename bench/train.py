"""`train`: one method on one data set -> a deployment folder. Stopped runs go on where they were."""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

from bench import provenance, registry
from bench.cli import Command, out_folder
from bench.errors import BenchError
from bench.method import PROTOCOLS, Request, deployment_folder

RESULTS = provenance.ROOT / "results"


class Train(Command):
    claim = "trains a method on a data set and exports the device program and the server network; resumable"
    minutes = "1-45"  # quick budget: digits 1-4, cifar10 15-45
    disk = "20 MB"

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--method", required=True, help="agilenn, agilenn:text, edge_only, ...")
        parser.add_argument("--dataset", required=True, help="digits, cifar10, ... or any NAME.npz in the data folder")
        parser.add_argument(
            "--protocol", choices=PROTOCOLS, default="paper", help="paper: enlarged frames; strong: native size"
        )
        parser.add_argument(
            "--budget", choices=("quick", "full"), default="quick", help="quick: minutes; full: the paper's 200 epochs"
        )
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--minutes", type=float, metavar="M", help="stop after the last epoch that fits; resumable")
        parser.add_argument("--data-dir", type=Path, metavar="DIR", help="folder of NAME.npz")
        parser.add_argument(
            "--out", type=out_folder, metavar="DIR", help="default: results/models/METHOD/DATASET-PROTOCOL"
        )
        parser.add_argument("--fresh", action="store_true", help="forget earlier checkpoints of this very training")

    def run(self, args: argparse.Namespace) -> int:
        method = registry.method(args.method)
        if not 0 <= args.seed < 2**32:
            raise BenchError("--seed", expected="0 to 4294967295", got=args.seed)
        if args.minutes is not None and not 0 < args.minutes < math.inf:
            raise BenchError("--minutes", expected="more than 0", got=args.minutes)
        out = args.out or out_folder(str(deployment_folder(RESULTS, args.method, args.dataset, args.protocol)))
        _, _, variant = args.method.partition(":")
        request = Request(
            args.dataset, args.protocol, out, args.seed, args.budget, args.fresh, args.data_dir, args.minutes, variant
        )
        started = time.monotonic()
        deployment = method.train(request)
        print(f"{args.method} on {args.dataset} ({args.protocol} protocol) -> {deployment.folder}")
        training = deployment.training
        if planned := training.get("epochs_planned"):
            left = training["epochs"] < planned
            print(f"  epochs {training['epochs']} of {planned}" + "; the same command goes on" * left)
        for name, value in training.get("validation", {}).items():
            print(f"  {name.replace('_', ' '):22} {value}")
        print(f"  took {(time.monotonic() - started) / 60:.1f} min")
        return 0
