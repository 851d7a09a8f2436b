"""Deployment -> firmware on the emulated board: bit for bit the same as the Python twin; what does not fit is
refused.
"""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from deployments import Network, agilenn, deployment, early_exit, edge_only

from bench import provenance
from bench.boards.device import Device
from bench.boards.emulator.image import Image
from bench.compile import program, stages, toolchain
from bench.errors import BoardError, CompileError, UnknownName
from bench.method import Stage, StageKind, Tensor

CLOCK = 216_000_000


def frames(shape, seed: int) -> list[np.ndarray]:
    """Noise, black, and something smooth."""
    rng = np.random.default_rng(seed)
    smooth = np.clip(np.cumsum(rng.integers(-9, 10, shape), axis=1) + 128, 0, 255)
    return [rng.integers(0, 256, shape, np.uint8), np.zeros(shape, np.uint8), smooth.astype(np.uint8)]


def compare(d, seed: int = 0, compiler: str = "zig"):
    """Runs some frames on the emulated firmware and in Python; returns the traces."""
    build = program.build(d, CLOCK, compiler)
    logits = np.random.default_rng(seed).integers(-32767, 32768, d.classes).astype("<i2")
    traces = []
    with Device.open("emu://stm32f746", build) as device:
        for frame in frames(d.frame, seed):
            trace = device.infer(frame, lambda payload: logits.tobytes())
            twin = stages.simulate(d, frame, lambda payload: logits.tobytes())
            for name in trace.values.keys() & twin.keys():
                assert np.array_equal(trace.values[name], twin[name]), (name, twin[name], trace.values[name])
            assert trace.prediction == int(np.argmax(twin["scores"])) and np.array_equal(trace.scores, twin["scores"])
            assert 100 < trace.stack_high_water < 4096
            traces.append(trace)
    assert list(build.stages) == [stages.label(s) for s in d.stages]
    return build, traces


@pytest.mark.parametrize("frame", [(24, 24, 1), (96, 96, 3), (1, 1, 1)])
def test_edge_only(tmp_path, frame):
    build, traces = compare(edge_only(tmp_path, frame))
    assert all(t.decided == "server" and t.cycles["code:payload"] > 0 for t in traces)
    assert build.stages == {
        "code:payload": "compress",
        "send": "network",
        "receive:remote": "network",
        "combine:scores": "local",
    }
    assert traces[0].payload != traces[1].payload


@pytest.mark.parametrize(("frame", "classes"), [((24, 24, 3), 10), ((96, 96, 3), 100), ((25, 31, 2), 7)])
def test_agilenn(tmp_path, frame, classes):
    build, traces = compare(agilenn(tmp_path, frame, classes))
    assert build.macs > 0 and build.flash < 1 << 20
    for trace in traces:
        assert set(trace.layer_cycles) == set(build.layers) and min(trace.layer_cycles.values()) > 0
        inside = sum(c for name, c in trace.layer_cycles.items() if name.startswith("features/"))
        assert inside <= trace.cycles["net:features"] < inside + 500


@pytest.mark.skipif(shutil.which("arm-none-eabi-gcc") is None, reason="the other compiler is optional")
def test_the_other_compiler_computes_the_same(tmp_path):
    d = agilenn(tmp_path)
    build, traces = compare(d, compiler="gcc")
    _, usual = compare(d)
    assert "gcc" in build.compiler and build.build_id != program.build(d, CLOCK).build_id
    assert [t.payload for t in traces] == [t.payload for t in usual]


def test_early_exit(tmp_path):
    _, traces = compare(early_exit(tmp_path, -128))
    assert all(t.decided == "device" and t.payload == b"" for t in traces)
    _, traces = compare(early_exit(tmp_path, 128))
    assert all(t.decided == "server" and t.payload for t in traces)
    top = sorted({int(t.values["chances"].max()) for t in traces})
    _, traces = compare(early_exit(tmp_path, top[-1]))
    assert {t.decided for t in traces} == {"device", "server"} or len(top) == 1


def test_cycles_repeat_and_do_not_depend_on_the_clock(tmp_path):
    d, frame = agilenn(tmp_path), frames((24, 24, 3), 1)[2]
    seen = []
    waits = {CLOCK: 7, 64_000_000: 2, 128_000_000: 4}  # RM0385 section 3.3.2, at 2.7 to 3.6 V
    for clock in (CLOCK, CLOCK, 64_000_000, 128_000_000):
        with Device.open("emu://stm32f746", program.build(d, clock)) as device:
            assert (device.info.clock_hz, device.info.wait_states) == (clock, waits[clock])
            seen.append(device.infer(frame, lambda payload: bytes(20)).cycles)
    assert seen[0] == seen[1]
    assert seen[2]["net:features"] < 1.1 * seen[0]["net:features"]


def test_a_method_brings_its_own_stage(tmp_path, monkeypatch):
    (tmp_path / "invert.h").write_text(
        '#include "stage.h"\nenum stage_result stage_invert(const uint8_t *from, uint32_t count, uint8_t *to);\n'
    )
    (tmp_path / "invert.c").write_text(
        '#include "invert.h"\n'
        "enum stage_result stage_invert(const uint8_t *from, uint32_t count, uint8_t *to) {\n"
        "    while (count--)\n        *to++ = (uint8_t)~*from++;\n    return STAGE_NEXT;\n}\n"
    )

    class Invert(StageKind):
        op, part, sources = "invert", "compress", (tmp_path / "invert.c",)

        def outputs(self, stage, inputs, folder):
            return {stage.writes[0]: Tensor(inputs[stage.reads[0]].shape, "uint8")}

        def call(self, stage, tensors):
            source, target = stage.reads[0], stage.writes[0]
            return f"stage_invert(buf_{source}, {tensors[source].count}, buf_{target})"

        def run(self, stage, values, folder):
            values[stage.writes[0]] = ~values[stage.reads[0]]

    class Method:
        stages = (Invert(),)

    monkeypatch.setattr(stages.registry, "method", lambda name: Method())
    base = edge_only(tmp_path)
    code = dataclasses.replace(base.stages[0], reads=("negative",))
    d = dataclasses.replace(base, stages=(Stage("invert", ("frame",), ("negative",)), code, *base.stages[1:]))
    build, _ = compare(d)
    assert build.stages["invert:negative"] == "compress"
    (tmp_path / "invert.c").unlink()
    with pytest.raises(CompileError, match=r"invert\.c: C source of the firmware cannot be read .No such file"):
        program.build(d, CLOCK)
    (tmp_path / "invert.h").unlink()
    with pytest.raises(CompileError, match=r"invert\.c: no header beside it; expected invert\.h"):
        program.build(d, CLOCK)


def test_builds_are_cached_and_reproducible(tmp_path, monkeypatch):
    d = edge_only(tmp_path)
    monkeypatch.setenv("AGILENN_CACHE", str(tmp_path / "one"))
    first = program.build(d, CLOCK)
    content = first.elf.read_bytes()
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: pytest.fail("compiled again"))
    assert program.build(d, CLOCK) == first
    monkeypatch.undo()
    monkeypatch.setenv("AGILENN_CACHE", str(tmp_path / "other"))
    second = program.build(d, CLOCK)
    assert second.elf != first.elf and second.elf.read_bytes() == content
    assert first.build_id.encode() in content
    for path in (provenance.ROOT, tmp_path, Path(sys.prefix).resolve()):
        assert str(path).encode() not in content
    symbols = Image.load(first.elf).symbols
    assert symbols.at(symbols.addresses["stage_code_lzw"]) == "stage_code_lzw"
    assert not [p for p in (tmp_path / "other" / "builds").iterdir() if p.name.startswith(".partial")]


def test_what_does_not_fit_is_refused(tmp_path):
    with pytest.raises(CompileError, match=r"bytes more SRAM.*the largest: payload [\d,]+, frame"):
        program.build(edge_only(tmp_path, (400, 200, 3)), CLOCK)
    net = Network((8, 8, 64), 1 / 255, -128, 1)
    net.conv(1800, 3, 8).head(10).softmax().save(tmp_path / "big.tflite")
    big = deployment(
        tmp_path, "big", (8, 8, 64), 10, Stage("net", ("frame",), ("p",), {"model": "big.tflite"}),
        Stage("exit_if", ("p",), ("scores",), {"threshold": -128}),
    )  # fmt: skip
    with pytest.raises(CompileError, match=r"[\d,]+ bytes too large for the chip's FLASH.*in conv_2d_0 1,0[\d,]+, "):
        program.build(big, CLOCK)
    with pytest.raises(CompileError, match="expected 64 MHz or 128 MHz or 216 MHz; got 100,000,000 Hz"):
        program.build(edge_only(tmp_path), 100_000_000)
    with pytest.raises(UnknownName, match="unknown compiler 'icc'"):
        program.build(edge_only(tmp_path), CLOCK, "icc")


def test_a_compiler_that_is_not_here_is_refused(monkeypatch):
    toolchain.toolchain.cache_clear()
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CompileError, match="arm-none-eabi-gcc is not on PATH; install"):
        toolchain.toolchain("gcc")


def test_the_compilers_first_complaint_is_shown():
    with pytest.raises(CompileError, match=r"zig failed: .*error: .*nonsense"):
        toolchain.compile_and_link({"program.c": "nonsense x;"}, [], toolchain.toolchain("zig"))


def test_a_stage_that_faults_or_hangs_is_reported(tmp_path, monkeypatch):
    """One clear line, with the place."""
    base = edge_only(tmp_path)
    (tmp_path / "bad.h").write_text('#include "stage.h"\nenum stage_result stage_bad(uint32_t how);\n')
    (tmp_path / "bad.c").write_text(
        '#include "bad.h"\n'
        "static volatile uint32_t *const nowhere = (volatile uint32_t *)0x60000000;\n"
        "__attribute__((noinline)) static uint32_t deep(uint32_t n) {\n"
        "    volatile uint32_t local[64];\n    local[n % 64] = n;\n"
        "    return n ? deep(n - 1) + local[0] : local[1];\n}\n"
        "enum stage_result stage_bad(uint32_t how) {\n"
        "    if (how == 0)\n        return *nowhere ? STAGE_NEXT : STAGE_DONE;\n"
        "    if (how == 1)\n        return deep(100) ? STAGE_NEXT : STAGE_DONE;\n"
        '    for (;;)\n        __asm volatile("");\n}\n'
    )

    class Bad(StageKind):
        op, sources, keys = "bad", (tmp_path / "bad.c",), frozenset({"how"})

        def outputs(self, stage, inputs, folder):
            return {}

        def call(self, stage, tensors):
            return f"stage_bad({stage.params['how']})"

        def run(self, stage, values, folder):
            pass

    class Method:
        stages = (Bad(),)

    monkeypatch.setattr(stages.registry, "method", lambda name: Method())
    for how, message in ((0, "fault.*60000000.*stage_bad"), (1, "fault.*1ffff.*deep"), (2, "hangs.*stage_bad")):
        build = program.build(
            dataclasses.replace(base, stages=(Stage("bad", params={"how": how}), *base.stages)), CLOCK
        )
        with Device.open("emu://stm32f746", build) as device, pytest.raises(BoardError, match=message):
            device.infer(np.zeros(base.frame, np.uint8), lambda payload: bytes(20))
