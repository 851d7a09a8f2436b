"""`bench codec` on a few digits: a row per coder, the fastest named at each link."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from bench.benchmarks import codec
from bench.cli import main
from bench.link import Link


def test_rows(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("AGILENN_DATA", "")
    monkeypatch.setattr(codec, "STREAMS", (("agilenn", "digits", "paper"),))
    monkeypatch.setattr(codec, "IMAGES", 2)
    monkeypatch.setattr(codec, "TRAIN", 40)
    assert main(["bench", "codec", "--out", str(tmp_path)]) == 0
    with (tmp_path / "benchmarks" / "codec.csv").open() as file:
        rows = {row["coder"]: row for row in csv.DictReader(file)}
    assert list(rows) == ["context", "context_entropy", "lz4", "lzw", "packed", "zlib", "lzma"]
    for name in ("context", "lzw", "packed"):
        own = rows[name]
        air = (float(own["bytes"]) + Link(270e3).air_bytes(0)) * 8 / 270
        assert float(own["ms_270kbps"]) == pytest.approx(air + float(own["cycles_per_symbol"]) * 1216 / 216e3, rel=1e-3)
        assert own["images"] == "2" and float(own["cycles_per_symbol"]) < 30
    assert rows["zlib"]["ms_6Mbps"] == rows["zlib"]["wins_at"] == ""
    best = min(("context", "lzw", "packed"), key=lambda name: float(rows[name]["ms_6Mbps"]))
    assert "6Mbps" in rows[best]["wins_at"]
    assert f"agilenn/digits-paper at 6Mbps: {best} wins" in capsys.readouterr().out
    assert float(rows["context_entropy"]["bytes"]) <= float(rows["context"]["bytes"])


def test_tables_without_training_images_come_from_other_test_images(monkeypatch):
    """As with the embedded sample."""
    deployment = codec.Deployment.load(codec.deployment_folder(codec.RESULTS, "agilenn", "cifar10", "paper"))
    code = next(stage for stage in deployment.stages if stage.op == "code")
    monkeypatch.setattr(codec, "TRAIN", 2)
    data = codec.datasets.from_sample("cifar10")
    assert not data.counts["train"]
    integers, origin = codec.tables("context", deployment, code, data, np.arange(5, 9))
    assert origin == ("2 other test images" if "tables" not in code.params else "the deployment's")
    assert integers[:2] == [3, 19]
