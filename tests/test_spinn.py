"""SPINN: the scheduler, the symbols, exits and a lost link on the device, and one tiny training."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from deployments import SEND, Network, deployment
from hypothesis import given, settings
from hypothesis import strategies as st

from baselines.spinn import method, profiler, schedule
from baselines.spinn.schedule import Point, Split
from baselines.spinn.stages import BestSoFarKind
from baselines.spinn.symbols import linear, lloyd
from bench import datasets
from bench.accuracy import predict
from bench.boards.device import Device
from bench.compile import program, stages
from bench.errors import BenchError, CompileError
from bench.method import NO_REPLY, Deployment, Request, Stage, Tensor
from bench.server import Remote

MODELS = Path(__file__).parent.parent / "results" / "models" / "spinn"
NEAR = Split(1, (16, 16, 16), (2_160_000,), 216_000, 3000.0, (Point(0, (0.5,), 80.0), Point(128, (0.0,), 84.0)))
FAR = Split(
    2, (8, 8, 32), (2_160_000, 6_480_000), 108_000, 1000.0, (Point(0, (0.5, 0.2), 81.0), Point(128, (0.0, 0.0), 84.0))
)


def link(bits_per_ms: float):
    return lambda size: size * 8 / bits_per_ms


def test_milliseconds() -> None:
    """Half of the images leave after 10 ms; of the others a fifth after 30, the rest pays for everything."""
    assert NEAR.milliseconds(NEAR.points[0], 216e6, link(6000), 1.0) == pytest.approx(10 + 0.5 * (1 + 4 + 1))
    expected = 0.5 * 10 + 0.2 * 30 + 0.3 * (30.5 + 8000 / 6000 + 1)
    assert FAR.milliseconds(FAR.points[0], 216e6, link(6000), 1.0) == pytest.approx(expected)


def test_the_scheduler() -> None:
    both = (NEAR, FAR)
    quick = schedule.choose(both, 79.0, 216e6, link(6000), 1.0)
    assert (quick.split, quick.point, quick.expected_ms) == (NEAR, NEAR.points[0], pytest.approx(13.0))
    slow = schedule.choose(both, 79.0, 216e6, link(100), 1.0)  # 100 kbps: bytes count more than cycles
    assert (slow.split, slow.point.threshold) == (FAR, 0)
    assert (
        schedule.choose(both, 80.5, 216e6, link(1e6), 1.0).point == NEAR.points[1]
    )  # never leaving is accurate enough
    assert schedule.choose(both, 99.0, 216e6, link(6000), 1.0).point.accuracy == 84.0  # none is: the most accurate
    assert schedule.choose(both, 79.0, 216e6, link(6000), 1.0, number=2).split == FAR


def test_a_profile_survives_its_file() -> None:
    text = json.dumps({"splits": [dataclasses.asdict(split) for split in (NEAR, FAR)]})
    assert schedule.read(json.loads(text)) == (NEAR, FAR)


@given(st.integers(-128, 127), st.floats(0.001, 1))
def test_linear_symbols(zero: int, scale: float) -> None:
    known = linear(scale, zero)
    assert sorted(known.table) == list(range(256)) and known.values[0] == 0
    for q in (-128, -1, 0, 77, 127):
        assert known.values[known.table[q + 128]] == pytest.approx(scale * (q - zero))
    assert np.all(np.diff(np.abs(known.values)) >= -1e-12)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(-100, 100), st.floats(2, 40))
def test_few_levels_are_where_the_features_are(seed: int, zero: int, spread: float) -> None:
    features = np.clip(np.random.default_rng(seed).normal(zero, spread, 2000), -128, 127).astype(np.int8)
    known = lloyd(features, 4, 0.5, zero)
    assert set(known.table) <= set(range(16)) and np.all(np.diff(np.abs(known.values)) >= 0)
    real = 0.5 * (features.astype(float) - zero)
    even = np.linspace(real.min(), real.max(), 16)
    assert (
        np.square(known.values_of(real) - real).sum()
        <= np.square(np.abs(real[:, None] - even).min(axis=1)).sum() + 1e-6
    )


@given(st.lists(st.lists(st.integers(-128, 127), min_size=3, max_size=3), min_size=1, max_size=4), st.booleans())
def test_best_so_far(exits: list[list[int]], answered: bool) -> None:
    values = {f"e{i}": np.array(chances, np.int8) for i, chances in enumerate(exits)}
    remote = np.array([5, -7, 9] if answered else [NO_REPLY, 0, 0], np.int16)
    best = [chances for chances in exits if max(chances) == max(map(max, exits))][-1]
    run = values | {"remote": remote}
    BestSoFarKind().run(Stage("best_so_far", ("remote", *values), ("scores",)), run, Path())
    assert run["scores"].tolist() == ([5, -7, 9] if answered else best)


def test_best_so_far_refuses() -> None:
    logits, chances = Tensor((10,), "int16"), Tensor((10,), "int8")
    for inputs in ({"r": logits}, {"r": chances, "e": chances}, {"r": logits, "e": Tensor((9,), "int8")}):
        with pytest.raises(CompileError, match="int16 logits, then int8 probabilities"):
            BestSoFarKind().outputs(Stage("best_so_far", tuple(inputs), ("scores",)), inputs, Path())


def two_exits(folder: Path, threshold: int) -> Deployment:
    """Random networks: two exits on the device, the map behind the second is sent."""
    Network((24, 24, 3), 1 / 255, -128, 3).conv(8, 3, 2).save(folder / "map1.tflite")
    Network((12, 12, 8), 6 / 255, -128, 4).head(10).softmax().save(folder / "exit1.tflite")
    Network((12, 12, 8), 6 / 255, -128, 5).conv(16, 3, 2).save(folder / "map2.tflite")
    Network((6, 6, 16), 6 / 255, -128, 6).head(10).softmax().save(folder / "exit2.tflite")
    program: list[Stage] = []
    for source, i in (("frame", 1), ("map1", 2)):
        program += [
            Stage("net", (source,), (f"map{i}",), {"model": f"map{i}.tflite"}),
            Stage("net", (f"map{i}",), (f"chances{i}",), {"model": f"exit{i}.tflite"}),
            Stage("exit_if", (f"chances{i}",), ("scores",), {"threshold": threshold}),
        ]
    table = list(linear(6 / 255, -128).table)
    return deployment(
        folder, "spinn", (24, 24, 3), 10, *program,
        Stage("quantize", ("map2",), ("symbols",), {"first": 0, "table": table}),
        Stage("code", ("symbols",), ("payload",), {"coder": "lz4", "bits": 8}),
        *SEND,
        Stage("best_so_far", ("remote", "chances1", "chances2"), ("scores",)),
    )  # fmt: skip


def test_exits_and_a_lost_link_on_the_board(tmp_path: Path) -> None:
    frames = np.random.default_rng(8).integers(0, 256, (6, 24, 24, 3), np.uint8)
    frames[1:] = np.sort(frames[1:], axis=2) // np.arange(1, 6, dtype=np.uint8).reshape(5, 1, 1, 1)
    logits = np.arange(-5, 5, dtype="<i2").tobytes()
    lost = np.full(10, NO_REPLY, "<i2").tobytes()
    tops = []
    for frame in frames:
        twin = stages.simulate(two_exits(tmp_path, 128), frame, lambda _: logits)
        tops.append((int(twin["chances1"].max()), int(twin["chances2"].max())))
    d = two_exits(tmp_path, sorted(max(pair) for pair in tops)[3])
    seen = set()
    with Device.open("emu://stm32f746", program.build(d, 216_000_000)) as device:
        for frame in frames:
            for reply in (logits, lost):
                trace, twin = device.infer(frame, lambda _, r=reply: r), stages.simulate(d, frame, lambda _, r=reply: r)
                assert np.array_equal(trace.scores, twin["scores"])
                assert trace.payload == (twin["payload"].tobytes() if "payload" in twin else b"")
                if trace.decided == "server" and reply == lost:
                    best = max((twin["chances2"], twin["chances1"]), key=lambda chances: int(chances.max()))
                    assert trace.prediction == int(np.argmax(best))
                elif trace.decided == "server":
                    assert trace.prediction == 9
                seen.add((trace.decided, sum(name in twin for name in ("chances1", "chances2"))))
    assert {("server", 2)} < seen  # some are sent, some leave
    assert list(program.build(d, 216_000_000).stages)[2:6:3] == ["exit_if:chances1", "exit_if:chances2"]


def test_shares_of_work() -> None:
    from baselines.spinn.network import equal_shares

    assert equal_shares([10, 20, 30, 40, 50, 60, 70, 80], 80, 3) == [1, 3, 5]
    assert equal_shares([1, 2, 3, 90, 95], 100, 3) == [2, 3, 4]  # each block once


TINY = method.Settings(width=0.35, stages=3, head=32, exits=3, hidden=8)


def test_a_tiny_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from baselines.spinn import deploy, training
    from bench.training.budget import Plan

    monkeypatch.setenv("AGILENN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(method, "SETTINGS", {"digits": TINY})
    monkeypatch.setattr(training, "plan", lambda *_: Plan(2, 64, 0.05))
    made = trained(tmp_path / "second", "split2")
    assert (made.training["split"], made.training["epochs"]) == (2, 2)
    assert made.server is not None and (made.server.coder, made.server.bits) == ("lz4", 8)
    assert sorted(f.name for f in made.folder.glob("*.tflite")) == sorted({*made.files()})
    assert made.training["validation"]["images"] == 179

    monkeypatch.setattr(deploy, "CODERS", {"paper": deploy.CODERS["strong"]})  # the same training, another coder
    few = trained(tmp_path / "any", "")
    assert few.server is not None and (few.server.coder, few.server.bits) == ("context", 4)
    assert few.server.tables and few.training["curve"] == made.training["curve"]
    assert few.training["profile"]["splits"][1]["payload"] < made.training["profile"]["splits"][1]["payload"]


def trained(out: Path, variant: str) -> Deployment:
    """A deployment that was read again from its folder, and that answers."""
    made = method.Spinn().train(Request("digits", "paper", out, 0, "quick", False, None, variant=variant))
    d = Deployment.load(out)
    assert d.stages == made.stages and d.server == made.server and d.server is not None
    sound(d)
    never = tuple(dataclasses.replace(s, params={"threshold": 128}) if s.op == "exit_if" else s for s in d.stages)
    frame = np.random.default_rng(2).integers(0, 256, d.frame, np.uint8)
    remote = Remote(d, threads=1)
    twin = stages.simulate(dataclasses.replace(d, stages=never), frame, remote.reply)
    assert np.array_equal(twin["scores"], twin["remote"]) and int(np.abs(twin["remote"]).max()) > 1000
    return d


def test_variants_that_do_not_exist(tmp_path: Path) -> None:
    for variant in ("split0", "split4", "deep"):
        with pytest.raises(BenchError, match="SPINN's variant; expected split1 to split3"):
            method.Spinn().train(Request("digits", "paper", tmp_path, 0, "quick", False, None, variant=variant))


@pytest.mark.parametrize("file", sorted(MODELS.glob("*/deployment.json")), ids=lambda path: path.parent.name)
def test_committed_deployments_are_sound(file: Path) -> None:
    sound(Deployment.load(file.parent))


@pytest.mark.parametrize("protocol", ["paper", "strong"])
def test_integers_are_within_two_points_of_float32(protocol: str) -> None:
    """On the validation images, whose float32 accuracy the profile has: with its exits, and all sent to the server."""
    d, digits = Deployment.load(MODELS / f"digits-{protocol}"), datasets.load("digits")
    never = tuple(dataclasses.replace(s, params={"threshold": 128}) if s.op == "exit_if" else s for s in d.stages)
    frames, remote, said = datasets.frames(digits.x_val, d.frame), Remote(d, threads=1), d.training["validation"]
    for one, name in ((d, "accuracy"), (dataclasses.replace(d, stages=never), "accuracy_without_exits")):
        hits = [predict(one, frame, remote) == label for frame, label in zip(frames, digits.y_val, strict=True)]
        assert len(hits) == said["images"] and abs(100 * np.mean(hits) - said[name]) <= 2


def test_nothing_leaves_at_the_threshold_that_no_probability_reaches() -> None:
    sure, labels = np.eye(4)[[0, 1, 2]], np.array([0, 1, 2])
    points = {p.threshold: p for p in profiler.Seen(labels, [sure], [np.zeros((3, 4))]).points(0)}
    assert points[128].left == (0.0,) and points[124].left == (1.0,)
    assert (points[128].accuracy, points[124].accuracy) == (33.33, 100.0)


def sound(d: Deployment) -> None:
    """Stages fit together, the server undoes the device's table, and the profile has the point that was chosen."""
    tensors = stages.check(d)
    splits, number = schedule.read(d.training["profile"]), d.training["split"]
    assert d.server is not None and tensors[f"map{number}"].shape == d.server.shape == splits[number - 1].shape
    points = {point.threshold: point for point in splits[number - 1].points}
    assert points[d.training["threshold"]].accuracy == d.training["validation"]["accuracy"]
    quantize = next(stage for stage in d.stages if stage.op == "quantize")
    exact = tensors[f"map{number}"].scale * (np.arange(-128, 128) - tensors[f"map{number}"].zero)
    received = np.array(d.server.values)[np.array(quantize.params["table"])]
    limit = 1e-4 if d.server.bits == 8 else 0.5 * float(np.ptp(exact))
    assert np.abs(received - exact).max() <= limit
