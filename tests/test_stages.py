"""Stage parameters are checked by name; Python twins against plain loops; C twins against Python over random values."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from deployments import Network, agilenn, early_exit, edge_only
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.codec import train_tables
from bench.compile import stages
from bench.compile.kinds import CombineKind, QuantizeKind, SplitKind
from bench.errors import CompileError
from bench.method import Stage

TABLES = train_tables(np.zeros((1, 4, 4, 19), np.uint8), 4)


def altered(d, op: str, **params):
    """The deployment with some parameters of its stage `op` replaced (None: removed)."""
    changed = [
        dataclasses.replace(s, params={k: v for k, v in {**s.params, **params}.items() if v is not None})
        if s.op == op
        else s
        for s in d.stages
    ]
    return dataclasses.replace(d, stages=tuple(changed))


@pytest.mark.parametrize(
    ("op", "params", "message"),
    [
        ("quantize", {"table": [0] * 255}, "table; expected 256 integers from 0 to 255; got 255 items"),
        ("quantize", {"table": [0] * 255 + [256]}, "table; expected 256 integers"),
        ("quantize", {"first": 24}, "first; expected an integer from 0 to 23; got 24"),
        ("quantize", {"table": [9] * 256}, "stage code:payload: 3 bits per symbol; expected symbols below 8; got 9"),
        ("quantize", {"first": None}, r"parameters; expected \['first', 'table'\]; got \['table'\]"),
        ("split", {"channels": 0}, "channels; expected an integer from 1 to 24; got 0"),
        ("split", {"channels": True}, "channels; expected an integer"),
        ("split", {"extra": 1}, r"got \['channels', 'extra'\]"),
        ("code", {"bits": 9}, "bits; expected an integer from 1 to 8; got 9"),
        ("code", {"coder": "zip"}, "unknown coder 'zip'"),
        ("code", {"coder": "context"}, "context tables"),
        ("code", {"coder": "context", "tables": 3}, "tables; expected"),
        ("code", {"coder": "context", "tables": [3, 1, 1, "a"]}, "tables; expected 4 integers from 0 to 4095"),
        (
            "code",
            {"coder": "context", "tables": TABLES},
            r"2 bits, shape \(19, height, width\) as its tables; got 3 bits",
        ),
        ("code", {"tables": TABLES}, "coder lzw; expected no tables"),
        ("combine", {"weights": [20000, 12767]}, "weights; expected a sum of 32768; got 32767"),
        ("combine", {"weights": [32768]}, "weights; expected 2 integers"),
        ("combine", {"shifts": [8, 0]}, "buffer local overflows 16 bits"),
        ("split", {"channels": 4}, "does not take buffer important"),
        ("net", {"model": "nowhere.tflite"}, "nowhere.tflite does not exist"),
    ],
)
def test_bad_parameters(tmp_path, op, params, message):
    with pytest.raises(Exception, match=message) as caught:
        stages.check(altered(agilenn(tmp_path), op, **params))
    assert isinstance(caught.value, stages.CompileError) or op == "code"


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (Stage("zoom", ("frame",), ("x",)), "unknown op; expected one of code, combine, exit_if, net"),
        (Stage("send", ("nothing",)), "reads 'nothing'; expected one of frame"),
        (Stage("code", ("frame",), ("a b",), {"coder": "lzw", "bits": 8}), "a C identifier other than frame; got a b"),
        (Stage("split", ("frame",), ("x",), {"channels": 1}), "buffer frame; expected int8 in 3 dimensions; got uint8"),
        (Stage("code", ("frame",), (), {"coder": "lzw", "bits": 8}), "one buffer to write; got"),
        (Stage("code", (), ("x",), {"coder": "lzw", "bits": 8}), "one buffer to read; got"),
        (Stage("receive", (), ("remote",)), "two stages write the same buffer"),
        (Stage("receive", (), ("again",)), "one send, one receive; got .'send', 'receive', 'receive'"),
    ],
)
def test_bad_programs(tmp_path, extra, message, monkeypatch):
    class Method:
        stages = ()

    monkeypatch.setattr(stages.registry, "method", lambda name: Method())
    d = edge_only(tmp_path)
    with pytest.raises(CompileError, match=message):
        stages.check(dataclasses.replace(d, stages=(*d.stages, extra)))


@pytest.mark.parametrize(("scale", "zero"), [(6.06 / 255, -128), (6 / 255, -127)])
def test_networks_of_other_scales_do_not_fit_together(tmp_path, scale, zero):
    d = agilenn(tmp_path)
    stages.check(d)
    Network((8, 8, 5), scale, zero, 2).head(10).save(tmp_path / "local.tflite")
    with pytest.raises(CompileError, match=r"local\.tflite does not take buffer important"):
        stages.check(d)


def test_a_program_needs_scores(tmp_path):
    d = edge_only(tmp_path)
    with pytest.raises(CompileError, match="scores; expected 10 int32; got no such buffer"):
        stages.check(dataclasses.replace(d, stages=d.stages[:-1]))
    with pytest.raises(CompileError, match="scores; expected 11 int32"):
        stages.check(dataclasses.replace(early_exit(tmp_path, -128), classes=11))
    with pytest.raises(CompileError, match="needs a server"):
        stages.simulate(d, np.zeros(d.frame, np.uint8), None)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 6), st.integers(2, 9))
def test_split_and_quantize(seed, h, w, c):
    rng = np.random.default_rng(seed)
    k = int(rng.integers(1, c))
    values = {"f": rng.integers(-128, 128, (h, w, c)).astype(np.int8)}
    table = rng.integers(0, 8, 256).tolist()
    SplitKind().run(Stage("split", ("f",), ("top",), {"channels": k}), values, None)
    QuantizeKind().run(Stage("quantize", ("f",), ("s",), {"first": k, "table": table}), values, None)
    flat = values["f"].reshape(-1).tolist()
    assert values["top"].reshape(-1).tolist() == [flat[p * c + i] for p in range(h * w) for i in range(k)]
    assert values["s"].reshape(-1).tolist() == [table[flat[p * c + i] + 128] for i in range(k, c) for p in range(h * w)]


@given(
    st.integers(0, 32768), st.integers(-128, 127), st.integers(-32768, 32767), st.integers(-128, 127), st.integers(0, 7)
)
def test_combine(weight, local, remote, zero, shift):
    values = {"a": np.array([local], np.int8), "b": np.array([remote], np.int16)}
    params = {"weights": [weight, 32768 - weight], "shifts": [shift, 0], "zeros": [zero, 0]}
    CombineKind().run(Stage("combine", ("a", "b"), ("scores",), params), values, None)
    exact = weight * ((local - zero) << shift) + (32768 - weight) * remote
    assert values["scores"].dtype == np.int32 and values["scores"].tolist() == [exact]
