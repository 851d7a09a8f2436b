"""Which network the AgileNN paper's rule takes: `python -m baselines.mcunet.choose DATASET`.

The rule: the smallest network whose validation accuracy is within 10 points of AgileNN's, both as trained here.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from baselines.mcunet.method import DEFAULT
from bench.errors import BenchError, DataError
from bench.method import Deployment, deployment_folder
from bench.training.mcunet import NETS

POINTS = 10.0
RESULTS = Path(__file__).parents[2] / "results"


def smallest(accuracies: dict[str, float], reference: float) -> str | None:
    """The network of fewest MACs that is good enough; None where none is. Raises DataError for one that is missing.

    accuracies: percent, of the networks that are trained. A larger network is asked for only where the smaller fail.
    """
    for name in sorted(NETS, key=lambda name: NETS[name].macs):
        if name not in accuracies:
            raise DataError(f"mcunet:{name} is not trained", do="train it: no smaller network is good enough")
        if accuracies[name] >= reference - POINTS:
            return name
    return None


def accuracy(results: Path, method: str, dataset: str) -> float | None:
    """Validation accuracy (%) of a deployment of the paper's protocol; None where there is none."""
    folder = deployment_folder(results, method, dataset, "paper")
    if not (folder / "deployment.json").exists():
        return None
    return float(Deployment.load(folder).training["validation"]["accuracy"])


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m baselines.mcunet.choose", description=__doc__)
    parser.add_argument("dataset")
    parser.add_argument("--results", type=Path, default=RESULTS, metavar="DIR", help="default results")
    args = parser.parse_args(arguments)
    try:
        reference = accuracy(args.results, "agilenn", args.dataset)
        if reference is None:
            raise DataError(f"agilenn is not trained on {args.dataset}")
        print(f"agilenn    {reference:6.2f} %, so at least {reference - POINTS:.2f} %")
        known = {}
        for name in NETS:
            bare = accuracy(args.results, "mcunet", args.dataset) if name == DEFAULT else None
            found = accuracy(args.results, f"mcunet:{name}", args.dataset) if bare is None else bare
            if found is not None:
                known[name] = found
                print(f"{name:10} {found:6.2f} %, {NETS[name].macs} million MACs")
        print(f"chosen: {smallest(known, reference) or 'none is good enough'}; `mcunet` is {DEFAULT}")
    except BenchError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
