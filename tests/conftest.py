"""Property tests may be slow on a busy machine; what they find is found again by everybody."""

import pytest
from hypothesis import settings

settings.register_profile("bench", deadline=None, derandomize=True)
settings.load_profile("bench")


@pytest.fixture(scope="session")
def twins(tmp_path_factory):
    """The coders' C twins, compiled once."""
    from coder_twins import Twins

    return Twins(tmp_path_factory.mktemp("coders"))


@pytest.fixture(scope="session")
def digits():
    from bench import datasets

    return datasets.load("digits")


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """An empty cache, and no folder of data sets."""
    monkeypatch.setenv("AGILENN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("AGILENN_DATA", raising=False)
