"""bench kernels: one row per layer and assumption, exact results, a table beside the published figures."""

from __future__ import annotations

import csv
import shutil

import numpy as np
import pytest

from bench.benchmarks import kernels
from bench.benchmarks.networks import published
from bench.benchmarks.networks.chain import Chain
from bench.boards.device import Device
from bench.boards.emulator.timing.parameters import ASSUMPTIONS, VERSION
from bench.compile import program
from bench.compile.lower import compile_net
from bench.compile.stages import simulate
from bench.training.mcunet import Net


def small() -> Chain:
    """Every kind of layer: a stem of the frame, few and many channels, filters of 3, 5 and 7, a residual sum."""
    return published.mcunet(Net(24, 4, "1,8,1,3 4,12,2,5 3,12,1,7", 0, 0), 7)


def test_rows_and_table(tmp_path, monkeypatch):
    monkeypatch.setattr(kernels, "NETWORKS", {"mcunet_in0": small, "agilenn_extractor": published.extractor})
    table = kernels.run(tmp_path)
    assert table == (tmp_path / "kernels.md").read_text() and "TinyEngine" in table
    with (tmp_path / "kernels.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == kernels.COLUMNS
    keys = [(r["network"], r["layer"], r["assumption"]) for r in rows]
    assert len(set(keys)) == len(keys) and {r["assumption"] for r in rows} == set(ASSUMPTIONS)
    assert {r["model_version"] for r in rows} == {VERSION}
    extractor = [r for r in rows if r["network"] == "agilenn_extractor" and r["assumption"] == "default"]
    assert sum(int(r["macs"]) for r in extractor) == 175_104
    assert all(r["region"].split("/")[0] in ("itcm", "flash") for r in rows)
    assert all(float(r["cycles_per_mac"]) == pytest.approx(int(r["cycles"]) / int(r["macs"]), abs=1e-3)
               for r in rows if int(r["macs"]))  # fmt: skip


SIZES = {
    "resnet8": 12.5, "mobilenetv1_0.25": 7.5, "mcunet_in0": 6.4, "mcunet_in1": 12.8, "mcunet_in2": 67.3,
    "mcunet_in3": 81.8, "agilenn_extractor": 0.175,
}  # fmt: skip


def test_networks_have_the_published_sizes(tmp_path):
    assert set(kernels.NETWORKS) == set(SIZES) == set(kernels.PUBLISHED)
    for name, million in SIZES.items():
        (tmp_path / name).write_bytes(kernels.NETWORKS[name]().bytes())
        net = compile_net(tmp_path / name, "n", uint8_input=True)
        assert net.macs / 1e6 == pytest.approx(million, rel=0.01)
        best = kernels.PUBLISHED[name].sram_kb
        assert best is None or kernels.tensor_bytes(net) <= 1024 * best


@pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="the other compiler is optional")
def test_the_other_compiler_computes_the_same(tmp_path):
    deployment = kernels.deploy(small(), "small", tmp_path)
    frame = np.random.default_rng(3).integers(0, 256, deployment.frame).astype(np.uint8)
    device = Device.open("emu://stm32f746", program.build(deployment, kernels.CLOCK_HZ, "gcc"))
    trace = device.infer(frame)
    device.close()
    assert np.array_equal(trace.scores, simulate(deployment, frame, None)["scores"])
