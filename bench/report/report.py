"""`report`: all records, drawings and their provenance as one HTML file that needs nothing else."""

from __future__ import annotations

import argparse
import base64
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import paper, provenance, results
from bench.cli import Command, out_file
from bench.errors import DataError
from bench.figures import base, style
from bench.figures.base import Figure
from bench.figures.recorded import stamps_of
from bench.files import replace
from bench.method import PROTOCOLS
from bench.report.contradictions import CONTRADICTIONS
from bench.results import Row


class Report(Command):
    claim = (
        "one HTML page of all records: claims, drawings, the paper beside ours, provenance, the paper's contradictions"
    )
    minutes = "0.2"
    disk = "10 MB"

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        add = parser.add_argument
        add("--from", dest="folder", type=Path, default=base.RESULTS, help="folder of FIGURE.csv (default results)")
        add("--out", type=out_file, metavar="FILE", help="default report.html in that folder")

    def run(self, args: argparse.Namespace) -> int:
        path = args.out or args.folder / "report.html"
        figures = base.figures()
        sections = [section for figure in figures if (section := Section.of(figure, args.folder))]
        if not sections:
            raise DataError(f"no records in {args.folder}", do="measure first: ./reproduce.sh fig_latency")
        there = {section.name for section in sections}
        replace(path, page(sections, [figure.name for figure in figures if figure.name not in there]))
        print(f"wrote {path}: {len(sections)} figures and tables, {path.stat().st_size / 1e6:.1f} MB")
        return 0


@dataclass(frozen=True)
class Section:
    """What the page says of one figure. images: its drawings, PNG in base64; stamps: each with its rows."""

    name: str
    claim: str
    figure: str
    minutes: str
    rows: Sequence[Row]
    images: Sequence[str]
    stamps: Sequence[dict[str, Any]]

    @classmethod
    def of(cls, figure: Figure, folder: Path) -> Section | None:
        """None without records. Raises DataError for a damaged table."""
        path = folder / f"{figure.name}.csv"
        rows = results.read(path)
        if not rows:
            return None
        kept = results.read_stamps(stamps_of(path))
        counts = Counter(kept["rows"].values())
        stamps = [{**stamp, "rows": counts[name]} for name, stamp in kept["stamps"].items()]
        files = (folder / "figures" / f"{figure.name}{ending}.png" for ending in ("", *(f"_{p}" for p in PROTOCOLS)))
        images = [base64.b64encode(file.read_bytes()).decode() for file in files if file.is_file()]
        return cls(figure.name, figure.claim, figure.figure, figure.minutes, rows, images, stamps)

    @property
    def compared(self) -> list[Row]:
        """Rows beside a number of the paper."""
        return [row for row in self.rows if row.paper_value is not None]

    @property
    def others(self) -> list[Row]:
        return [row for row in self.rows if row.paper_value is None]

    @property
    def stamped(self) -> int:
        return sum(stamp["rows"] for stamp in self.stamps)

    @property
    def versions(self) -> dict[str, str]:
        """Of the packages that the runs used; several where they differ."""
        found: dict[str, set[str]] = {}
        for stamp in self.stamps:
            for name, version in stamp.get("versions", {}).items():
                found.setdefault(name, set()).add(str(version))
        return {name: ", ".join(sorted(versions)) for name, versions in found.items()}


def page(sections: Sequence[Section], missing: Sequence[str]) -> str:
    """The HTML. missing: names of figures without records."""
    from jinja2 import Environment, FileSystemLoader

    rows = [row for section in sections for row in section.compared]
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("page.html").render(
        sections=sections,
        missing=missing,
        total=sum(len(section.rows) for section in sections),
        compared=len(rows),
        verdicts=Counter(row.verdict for row in rows).most_common(),
        contradictions=CONTRADICTIONS,
        commit=provenance.git_commit(),
        title=style.title,
        number=number,
        points=f"{paper.AGREES_POINTS:g}",
        percent=f"{100 * paper.AGREES_RATIO:g}",
        resolution=f"{paper.RESOLUTION:g}",
    )


def number(value: float, unit: str = "1") -> str:
    """Four digits and the unit."""
    return (f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}") + style.unit(unit)
