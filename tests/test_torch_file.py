"""PyTorch files without PyTorch: what is in them comes out; everything else is refused before it can do anything."""

import hashlib

import numpy as np
import pytest
import torch_bytes as tb

from bench.errors import DataError
from bench.training import torch_file

FOUR = np.arange(4, dtype=np.float32)


def read(data: bytes) -> dict[str, np.ndarray]:
    """With the right hash: what is left then is the unpickler's own guard."""
    return torch_file.read(data, hashlib.sha256(data).hexdigest(), "weights.pth")


def one(**changed: object) -> bytes:
    """A file with one tensor of four floats, described as `changed` says."""
    described = {"key": "0", "count": 4, "offset": 0, "shape": (2, 2), "strides": (2, 1), "kind": "FloatStorage"}
    return tb.file(tb.mapping({"w": tb.tensor(**(described | changed))}), {"0": tb.block(FOUR)})


def test_tensors_come_out():
    rng = np.random.default_rng(0)
    tensors = {"a": rng.random((3, 2, 5, 5), np.float32), "n": np.array(7, np.int64), "b": np.zeros(3, np.float32)}
    got = read(tb.saved(tensors))
    assert list(got) == list(tensors)
    for name, values in tensors.items():
        assert got[name].dtype == values.dtype
        np.testing.assert_array_equal(got[name], values)


def test_views_of_a_storage():
    np.testing.assert_array_equal(read(one(strides=(1, 2)))["w"], [[0, 2], [1, 3]])
    np.testing.assert_array_equal(read(one(offset=1, shape=(3,), strides=(1,)))["w"], [1, 2, 3])


def test_another_hash_is_refused_before_reading(monkeypatch):
    monkeypatch.setattr(torch_file, "parse", lambda _: pytest.fail("opened"))
    with pytest.raises(DataError, match="expected SHA-256 0000") as error:
        torch_file.read(one(), "0" * 64, "weights.pth")
    assert hashlib.sha256(one()).hexdigest() in str(error.value)


HOSTILE = {
    "os.system": lambda path: tb.call("os", "system", tb.text(f"touch {path}")),
    "posix.system": lambda path: tb.call("posix", "system", tb.text(f"touch {path}")),
    "builtins.eval": lambda path: tb.call("builtins", "eval", tb.text(f"open({str(path)!r}, 'w')")),
    "builtins.getattr": lambda path: tb.named("builtins", "getattr"),
    "numpy.ndarray": lambda path: tb.named("numpy", "ndarray"),
    "numpy.load": lambda path: tb.named("numpy", "load"),
    "torch.load": lambda path: tb.named("torch", "load"),
    "torch._utils._rebuild_parameter": lambda path: tb.named("torch._utils", "_rebuild_parameter"),
    "collections.namedtuple": lambda path: tb.named("collections", "namedtuple"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_any_other_name_is_refused(name, tmp_path):
    made = tmp_path / "made"
    for data in (tb.file(HOSTILE[name](made), {}), tb.START + HOSTILE[name](made) + tb.END):
        with pytest.raises(DataError, match=f"it asks for {name}"):
            read(data)
    assert not made.exists()


def test_a_class_from_elsewhere_as_storage_is_refused():
    kind = tb.named("torch", "FloatStorage")
    module = tb.row(tb.text("module"), kind, tb.text("0"), tb.text("cpu"), tb.number(4), b"N")
    with pytest.raises(DataError, match="it asks for a module"):
        read(tb.file(tb.mapping({"w": module + b"Q"}), {}))


@pytest.mark.parametrize(
    "changed",
    [
        {"offset": 1}, {"offset": -1}, {"shape": (3, 2)}, {"strides": (-2, 1)}, {"strides": (1 << 30, 1)},
        {"shape": (-1, 4)}, {"count": 5}, {"count": -1}, {"kind": "LongStorage"}, {"key": "1"},
    ],
)  # fmt: skip
def test_a_tensor_outside_of_its_storage_is_refused(changed):
    with pytest.raises(DataError, match="not a PyTorch file of plain tensors"):
        read(one(**changed))


def test_a_damaged_file_is_refused():
    whole = one()
    for length in (0, 1, 14, 30, len(whole) // 2, len(whole) - 17, len(whole) - 1):
        with pytest.raises(DataError, match=r"weights\.pth"):
            read(whole[:length])
    for data in (b"PK\x03\x04" + whole, tb.START + tb.number(3) + tb.END + whole[len(tb.MAGIC) :]):
        with pytest.raises(DataError, match=r"weights\.pth"):
            read(data)
