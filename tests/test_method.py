"""deployment.json: what is saved comes back; whatever is wrong with the file is one DataError, never a traceback."""

import dataclasses
import json
import math
import shutil

import pytest
from deployments import agilenn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.compile import stages
from bench.errors import BenchError, DataError
from bench.method import Deployment, Server

WRONG = [None, -1, 0, math.inf, math.nan, 3.5, "x", [], {}, [None], ["a"], True, 10**30, [0, 0, 0], [10**6] * 3]


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    deployment = agilenn(tmp_path_factory.mktemp("saved"))
    server = Server("features.tflite", (4, 4, 3), (0.0, 1.5), True, 0.25, "lzw", 3)
    deployment = dataclasses.replace(deployment, server=server, training={"seed": 0})
    (deployment.folder / server.model).touch()
    deployment.save()
    return deployment


def test_what_is_saved_comes_back(saved):
    assert Deployment.load(saved.folder) == saved


def test_a_model_file_of_another_export_is_refused(saved, tmp_path):
    shutil.copytree(saved.folder, tmp_path / "copy")
    (tmp_path / "copy" / saved.server.model).write_bytes(b"of the next epoch")
    with pytest.raises(DataError, match=r"features\.tflite is not the file that was exported"):
        Deployment.load(tmp_path / "copy")


def places(node, path=()):
    """Every place in a JSON document but those inside "training", which is free-form."""
    yield path
    if path != ("training",) and isinstance(node, dict | list):
        for key in node if isinstance(node, dict) else range(len(node)):
            yield from places(node[key], (*path, key))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_wrong_value_anywhere_is_refused_or_harmless(saved, tmp_path, data):
    content = json.loads((saved.folder / "deployment.json").read_text())
    *path, last = data.draw(st.sampled_from([place for place in places(content) if place]))
    node = content
    for key in path:
        node = node[key]
    node[last] = data.draw(st.sampled_from(WRONG))
    for file in saved.folder.glob("*.tflite"):
        if not (tmp_path / file.name).exists():  # a file that is written again is compiled again
            (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "deployment.json").write_text(json.dumps(content))
    try:
        stages.check(Deployment.load(tmp_path))
    except BenchError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("frame", [0, 8, 1]), ("frame", [1 << 20, 8, 1]), ("classes", True), ("logit_scale", math.nan),
        ("logit_scale", 0), ("values", [0.0, math.inf]), ("values", []), ("bits", 9), ("model", "../x.tflite"),
    ],
)  # fmt: skip
def test_absurd_numbers_are_refused_by_name(saved, tmp_path, field, value):
    content = json.loads((saved.folder / "deployment.json").read_text())
    (content if field in content else content["server"])[field] = value
    (tmp_path / "deployment.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match=field):
        Deployment.load(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "7", '{"format": 1}', "{", "\0", "[" * 100_000])
def test_what_is_no_deployment_is_refused(tmp_path, text):
    (tmp_path / "deployment.json").write_text(text)
    with pytest.raises(DataError, match="damaged"):
        Deployment.load(tmp_path)
