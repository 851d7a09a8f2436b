"""The claims' arithmetic over invented records, and their verdicts."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from bench import cli, results
from bench.figures import base
from bench.figures.claims import CLAIMS, METHOD, OPERATING, QUANTITIES, SLOW, paper_finder
from bench.paper import published
from bench.provenance import ROOT
from bench.results import Row


def row(
    figure: str,
    method: str,
    metric: str,
    value: float,
    unit: str,
    verdict: str = "worse",
    dataset: str = "cifar10",
    where: str = OPERATING,
) -> Row:
    theirs = None if verdict == "no_paper_value" else 2 * value
    return Row(figure, dataset, method, "paper", where, metric, value, None, None, unit, "emulated", "live", 50, theirs,
               0.5 if theirs else None, verdict)  # fmt: skip


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(ROOT / "results" / "paper", tmp_path / "committed" / "paper")
    monkeypatch.setattr(base, "RESULTS", tmp_path / "committed")
    return tmp_path


def run(home: Path, rows: list[Row]) -> dict[tuple[str, str, str], Row]:
    for name in {row.figure for row in rows}:
        results.write(home / f"{name}.csv", [row for row in rows if row.figure == name])
    assert cli.main(["table_claims", "--out", str(home)]) == 0
    return {(r.metric, r.dataset, r.conditions): r for r in results.read(home / "table_claims.csv")}


def test_claims_are_ratios_of_records(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = run(home, [
        row("fig_latency", "agilenn", "total", 10, "ms"), row("fig_latency", "deepcod", "total", 25, "ms"),
        row("fig_latency", "mcunet", "total", 140, "ms", "unmatched"),
        row("table_tx", "agilenn", "tx_reduction_vs_deepcod", 75, "percent", "unmatched", where=""),
        row("fig_latency", "agilenn", "accuracy", 88, "percent"),
        row("fig_latency", "deepcod", "accuracy", 73, "percent"),
        row("fig_bandwidth", "agilenn", "total", 50, "ms", where=SLOW),
        row("fig_memory", "agilenn", "sram", 32, "kB", "not_comparable", "cifar100", ""),
    ])  # fmt: skip
    deepcod = found["latency_times", "cifar10", "against=deepcod;claimed=2"]
    assert (deepcod.value, deepcod.verdict, deepcod.n) == (2.5, "agrees", 50)
    assert deepcod.paper_value == pytest.approx(54.8 / 21.8)
    mcunet = found["latency_times_max", "cifar10", "against=mcunet;claimed=6"]
    assert (mcunet.value, mcunet.verdict) == (14, "unmatched")  # no firmer than what it rests on
    assert found["latency", "cifar10", "claimed=20"].verdict == "better"  # less is more here
    compressed = found["bytes_times", "cifar10", "against=deepcod;claimed=6"]
    assert (compressed.value, compressed.verdict) == (4, "unmatched")  # as table_tx has it
    assert compressed.paper_value == pytest.approx(1 / (1 - 0.437), rel=1e-4)
    gap = found["accuracy_gap", "cifar10", "against=deepcod;claimed=10"]
    assert (gap.value, gap.verdict) == (15, "worse")  # apart, in whichever direction
    assert not {name for name, _, _ in found} & {"slow_link", "slow_link_svhn"}  # claims about other data sets
    share = found["memory_share", "cifar100", "claimed=20"]
    assert (share.value, share.verdict) == (10, "not_comparable")
    assert share.paper_value == pytest.approx(67.5)
    said = capsys.readouterr().out
    assert "2.51 x (holds)" in said and "67.5 % (does not hold)" in said and "no record" in said
    stamps = json.loads((home / "table_claims.provenance.json").read_text())
    assert len(stamps["rows"]) == len(found)


def test_without_records_it_says_what_to_do(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["table_claims", "--out", str(home)]) == 2
    assert "run ./reproduce.sh fig_latency first" in capsys.readouterr().err


def test_every_claim_that_the_paper_plots_has_its_number() -> None:
    find = paper_finder(published().values)
    without = {c.name for c in CLAIMS if all(c.of(find, d, a) is None for d in c.datasets for a in c.against)}
    assert without == {"epoch_times"}  # text alone, a range
    fails = {
        c.name for c in CLAIMS for d in c.datasets for a in c.against if (v := c.of(find, d, a)) and not c.holds(v)
    }
    assert {"latency", "bytes_times", "memory_share", "slow_link"} <= fails
    assert not {"latency_times", "storage_times", "storage_share"} & fails


@pytest.mark.parametrize("name", [name for name, quantity in QUANTITIES.items() if quantity.ours[0]])
def test_every_number_of_ours_is_in_the_committed_records(name: str) -> None:
    figure, metric, where = QUANTITIES[name].ours
    rows = results.read(ROOT / "results" / f"{figure}.csv")
    assert any((row.method, row.metric, row.conditions) == (METHOD, metric, where) for row in rows)
