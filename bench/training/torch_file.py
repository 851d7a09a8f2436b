"""Tensors of a PyTorch file without PyTorch: the format that torch.save wrote before version 1.6.

Such a file is five pickles (magic number, protocol, system, objects, names of the storages), then the storages' bytes.
A pickle can run any code, so two locks come before it: the file must have a known SHA-256, and the unpickler
admits tensor rebuilding and OrderedDict alone. Nothing else in this project opens a pickle.
"""

from __future__ import annotations

import collections
import hashlib
import io
import pickle
from typing import Any, NamedTuple

import numpy as np

from bench.errors import DataError

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
STORAGES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


class Storage(NamedTuple):
    """One block of memory behind one or more tensors; size in items."""

    key: str
    dtype: np.dtype[Any]
    size: int


class View(NamedTuple):
    """A tensor: where it lies in its storage; offset and strides in items."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self, data: bytes) -> np.ndarray:
        """A copy. NumPy raises ValueError where the tensor would reach outside of its storage."""
        dtype = self.storage.dtype
        strides = [step * dtype.itemsize for step in self.strides]
        return np.ndarray(self.shape, dtype, data, self.offset * dtype.itemsize, strides).copy()


def rebuild(storage: Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any) -> View:
    """In place of torch._utils._rebuild_tensor_v2: the storages' bytes come after the pickle."""
    return View(storage, offset, shape, strides)


class Restricted(pickle.Unpickler):
    """Knows OrderedDict, tensor rebuilding and two storage types; any other name is an error."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return rebuild
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")

    def persistent_load(self, pid: Any) -> Storage:
        kind, dtype, key, _, size, view = pid
        if kind != "storage" or view is not None:
            raise pickle.UnpicklingError(f"it asks for a {kind}")
        return Storage(key, dtype, size)


def read(data: bytes, sha256: str, name: str) -> dict[str, np.ndarray]:
    """Tensor name -> array. Raises DataError (with `name`) for another file than the one known, or a foreign one."""
    got = hashlib.sha256(data).hexdigest()
    if got != sha256:
        raise DataError(f"{name}: not the known file", expected=f"SHA-256 {sha256}", got=got, do="get it again")
    try:
        return parse(io.BytesIO(data))
    except Exception as error:  # an unpickler may raise anything
        raise DataError(f"{name}: not a PyTorch file of plain tensors ({error})", do="get it again") from None


def parse(file: io.BytesIO) -> dict[str, np.ndarray]:
    """What `read` does once the hash is right."""
    magic, protocol, system, views, keys = (Restricted(file).load() for _ in range(5))
    if (magic, protocol, system["little_endian"]) != (MAGIC, PROTOCOL, True):
        raise ValueError("another format")
    storages = {view.storage.key: view.storage for view in views.values()}
    content = {}
    for key in keys:
        size = int.from_bytes(file.read(8), "little")
        content[key] = file.read(size * storages[key].dtype.itemsize)
        if size != storages[key].size or len(content[key]) != size * storages[key].dtype.itemsize:
            raise ValueError("its tensors are cut off")
    return {name: view.array(content[view.storage.key]) for name, view in views.items()}
