"""The report: one sound HTML file with every number, nothing loaded from elsewhere."""

from __future__ import annotations

import base64
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bench import cli, results
from bench.figures import base
from bench.provenance import ROOT
from bench.report.contradictions import CONTRADICTIONS
from bench.report.report import number

VOID = {"meta", "img", "br", "link"}


class Reader(HTMLParser):
    """Checks that tags are balanced; collects texts of cells, ids, links and images."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: set[str] = set()
        self.links: set[str] = set()
        self.images: list[str] = []
        self.cells: list[str] = []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open += [tag] if tag not in VOID else []
        self.cells += [""] if tag == "td" else []
        for name, value in attrs:
            value = value or ""
            if name == "id":
                assert value not in self.ids
                self.ids.add(value)
            elif name == "href":
                self.links.add(value)
            elif name == "src":
                self.images.append(value)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "td" in self.open:
            self.cells[-1] += data


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("report") / "report.html"
    assert cli.main(["report", "--from", str(ROOT / "results"), "--out", str(path)]) == 0
    return path.read_text(encoding="utf-8")


def test_it_is_sound_and_needs_nothing_else(html: str) -> None:
    page = Reader(html)
    assert {link[1:] for link in page.links} <= page.ids and all(link.startswith("#") for link in page.links)
    assert not re.search(r"(src|href)=\"(?!#|data:)|@import|url\(|<script", html)
    for image in page.images:
        assert base64.b64decode(image.removeprefix("data:image/png;base64,"), validate=True).startswith(b"\x89PNG")
    assert str(ROOT) not in html


def test_every_figure_and_every_number_is_in_it(html: str) -> None:
    page = Reader(html)
    with_records = {figure.name for figure in base.figures() if results.read(ROOT / "results" / f"{figure.name}.csv")}
    assert with_records <= page.ids and {"contradictions", "verdicts"} <= page.ids
    drawn = [base64.b64encode(f.read_bytes()).decode() for f in (ROOT / "results" / "figures").glob("*.png")]
    assert sorted(image.partition(",")[2] for image in page.images) == sorted(drawn)  # each protocol's, too
    rows = results.read(ROOT / "results" / "fig_latency.csv")
    compared = [row for row in rows if row.verdict != "no_paper_value"]
    assert page.cells.count("unmatched") >= sum(row.verdict == "unmatched" for row in compared)
    for row in rows:
        assert number(row.value, row.unit) in page.cells
    assert all(one.about in page.cells for one in CONTRADICTIONS)
    assert "./reproduce.sh fig_latency" in html


def test_what_is_written_in_records_cannot_become_markup(tmp_path: Path) -> None:
    for suffix in ("csv", "provenance.json"):
        shutil.copy(ROOT / "results" / f"fig_reweight.{suffix}", tmp_path)
    path = tmp_path / "fig_reweight.provenance.json"
    path.write_text(path.read_text().replace("./reproduce.sh fig_reweight", "<script>alert(1)</script>"))
    assert cli.main(["report", "--from", str(tmp_path)]) == 0
    html = (tmp_path / "report.html").read_text()
    assert "<script>" not in html and "&lt;script&gt;" in html
    assert "fig_latency" in html.partition('id="missing"')[2]


def test_without_records(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["report", "--from", str(tmp_path)]) == 2
    assert "measure first" in capsys.readouterr().err
