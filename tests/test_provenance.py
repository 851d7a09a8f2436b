"""Stamps are plain JSON that names its own content; versions and commits never fail."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import provenance
from bench.errors import DataError
from bench.files import sha256
from bench.method import Deployment


def test_the_cache_is_the_users_or_the_variables(monkeypatch, tmp_path):
    monkeypatch.setenv("AGILENN_CACHE", str(tmp_path))
    assert provenance.cache("builds") == tmp_path / "builds"
    monkeypatch.delenv("AGILENN_CACHE")
    assert provenance.cache().name == "agilenn-bench" and provenance.cache().is_absolute()


@pytest.mark.parametrize("place", ["file", "file/inside", "link"])
def test_a_cache_that_can_be_no_folder_is_refused(monkeypatch, tmp_path, place):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    monkeypatch.setenv("AGILENN_CACHE", str(tmp_path / place))
    with pytest.raises(DataError, match=r"AGILENN_CACHE .* is not a folder; expected a folder"):
        provenance.cache()
    monkeypatch.setenv("AGILENN_CACHE", "~nobody-of-that-name/cache")
    assert provenance.cache().name == "cache"


def test_sha256_of_a_file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"abc" * 100_000)
    assert sha256(path) == hashlib.sha256(b"abc" * 100_000).hexdigest()


def test_a_deployments_name_follows_every_byte_of_its_files_and_not_their_place(tmp_path):
    tiny = Path(__file__).parent / "golden" / "server_tiny"
    names = [provenance.deployment_hash(Deployment.load(shutil.copytree(tiny, tmp_path / "same")))]
    assert names == [provenance.deployment_hash(Deployment.load(tiny))]
    for file in ("server.tflite", "deployment.json"):
        folder = shutil.copytree(tiny, tmp_path / file)
        content = (folder / file).read_bytes()
        (folder / file).write_bytes(content + b" ")
        names.append(provenance.deployment_hash(Deployment.load(folder)))
    assert len(set(names)) == 3


@given(st.lists(st.text(), max_size=4), st.lists(st.text(), max_size=4))
def test_text_hash_tells_different_parts_apart(first, second):
    assert (provenance.text_hash(*first) == provenance.text_hash(*second)) == (first == second)


def test_a_stamp_is_json_whose_id_follows_from_its_content():
    first = provenance.stamp(["./reproduce.sh", "train"], 7, {"data": "abc", "path": Path("x")})
    assert json.loads(json.dumps(first)) == first
    assert first == provenance.stamp("./reproduce.sh train", 7, {"path": "x", "data": "abc"})
    assert first["id"] != provenance.stamp("./reproduce.sh train", 8, {"path": "x", "data": "abc"})["id"]
    assert len(first["id"]) == 12 and first["versions"]["numpy"]


def test_a_changed_source_makes_the_commit_dirty_and_a_new_record_does_not(monkeypatch, tmp_path):
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    for folder in ("bench", "results"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "file").touch()
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "x", "--no-gpg-sign"]):
        subprocess.run([*git, *command], check=True)
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    seen = []
    for changed in ("results/file", "bench/file"):
        (tmp_path / changed).write_text("other")
        provenance.git_commit.cache_clear()
        seen.append(provenance.git_commit())
    provenance.git_commit.cache_clear()
    assert len(seen[0]) >= 12 and seen[1] == f"{seen[0]}-dirty"


def test_no_git_is_no_error(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    provenance.git_commit.cache_clear()
    assert provenance.git_commit() is None
    provenance.git_commit.cache_clear()


def test_versions_import_none_of_the_packages():
    code = (
        "import sys; from bench import provenance as p; v = p.versions(); print(v['unicorn'], 'unicorn' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=provenance.ROOT, check=True
    )
    assert result.stdout.split()[1] == "False"
