"""`table_claims`: the paper's and the project page's headline claims, the paper's own figures, and ours."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from bench import provenance, results
from bench.cli import out_folder
from bench.errors import DataError
from bench.figures import base
from bench.figures.base import Figure
from bench.figures.claims import CLAIMS, METHOD, QUANTITIES, VERDICTS, Claim, Ours, paper_finder
from bench.figures.recorded import stamps_of
from bench.figures.style import title, unit
from bench.files import sha256
from bench.paper import Paper, published
from bench.results import Row

SAME = 0.10  # of the paper's value


class TableClaims(Figure):
    name = "table_claims"
    claim = "each headline claim of the paper and its project page: claimed, the paper's own figures, ours, verdict"
    figure = "text, Figures 16-23"
    minutes = "0.1"
    disk = "1 MB"

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        what = "folder of the records (default results)"
        parser.add_argument("--out", type=out_folder, default=base.RESULTS, metavar="DIR", help=what)

    def run(self, args: argparse.Namespace) -> int:
        paths = [args.out / f"{name}.csv" for name in sorted({of.ours[0] for of in QUANTITIES.values()})]
        found = claimed([row for path in paths for row in results.read(path)], published())
        if not found:
            raise DataError(
                f"no records in {args.out} that a claim is about", do="run ./reproduce.sh fig_latency first"
            )
        with results.exclusive(args.out):
            path = args.out / f"{self.name}.csv"
            results.write(path, found)
            used = {path.name: sha256(path) for path in paths if path.exists()}
            stamp = provenance.stamp(f"./reproduce.sh {self.name}", None, used)
            results.write_stamps(stamps_of(path), found, {"rows": {}, "stamps": {}}, {row.key: stamp for row in found})
        print(self.table(found))
        return 0

    def draw(self, rows: Sequence[Row], folder: Path) -> list[Path]:
        """A table has no drawing."""
        return []

    def table(self, rows: Sequence[Row]) -> str:
        import pandas as pd

        find = paper_finder(published().values)
        ours = {(row.metric, row.dataset, row.conditions): row for row in rows}
        blocks = []
        for claim in CLAIMS:
            lines = []
            for against, dataset in ((a, d) for a in claim.against for d in claim.datasets):
                row = ours.get((claim.name, dataset, conditions(claim, against)))
                theirs = claim.of(find, dataset, against)
                if row or theirs is not None:
                    lines.append(
                        (
                            title(against) if against else "-",
                            title(dataset),
                            _said(claim, theirs),
                            _said(claim, row.value if row else None),
                            row.verdict if row else "no record",
                        )
                    )
            header = ["against", "data set", "the paper's own figures", "ours", "verdict"]
            blocks.append(f"{claim.text}\n" + pd.DataFrame(lines, columns=header).to_string(index=False))
        return "\n\n".join(blocks)


def conditions(claim: Claim, against: str) -> str:
    """The claimed number and the comparator, as the rows name them."""
    return results.conditions({"claimed": claim.claimed} | ({"against": against} if against else {}))


def claimed(rows: Sequence[Row], paper: Paper) -> list[Row]:
    """One row per claim, data set and comparator of which we have records: value ours, paper_value the paper's own."""
    ours, find = Ours(rows), paper_finder(paper.values)
    found = []
    for claim in CLAIMS:
        for against, dataset in ((a, d) for a in claim.against for d in claim.datasets):
            value = claim.of(ours.find, dataset, against)
            if value is None:
                continue
            of = ours.rests(claim, dataset, against)
            theirs = claim.of(find, dataset, against)
            labels = {row.label for row in of}
            found.append(
                Row(
                    TableClaims.name, dataset, METHOD, "paper", conditions(claim, against), claim.name, value, None,
                    None, claim.unit, labels.pop() if len(labels) == 1 else "mixed", "recorded",
                    min(row.n for row in of), theirs, value / theirs if theirs else None,
                    verdict(claim, value, theirs, of),
                )
            )  # fmt: skip
    return found


def verdict(claim: Claim, value: float, theirs: float | None, rests_on: Sequence[Row]) -> str:
    """As for other rows; better is what the claim calls so. A claim is no firmer than the rows that it rests on."""
    if theirs is None:
        return "no_paper_value"
    inherited = [name for name in VERDICTS if any(row.verdict == name for row in rests_on)]
    if inherited:
        return inherited[0]
    if abs(value - theirs) <= SAME * abs(theirs):
        return "agrees"
    return "better" if (value > theirs) == claim.at_least else "worse"


def _said(claim: Claim, value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3g}{unit(claim.unit)} ({'holds' if claim.holds(value) else 'does not hold'})"
