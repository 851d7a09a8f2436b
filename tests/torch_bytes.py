"""Writes files as torch.save did before version 1.6, opcode by opcode: neither PyTorch nor `pickle` takes part."""

from __future__ import annotations

import struct
from collections.abc import Mapping

import numpy as np

START, END = b"\x80\x02", b"."  # of a pickle of protocol 2
MAGIC = START + b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19" + END
PROTOCOL = START + b"M\xe9\x03" + END


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def number(value: int) -> bytes:
    return b"J" + struct.pack("<i", value)


def row(*items: bytes) -> bytes:
    """A tuple."""
    return b"(" + b"".join(items) + b"t"


def named(module: str, name: str) -> bytes:
    """Whatever `name` means in `module`."""
    return f"c{module}\n{name}\n".encode()


def call(module: str, name: str, *arguments: bytes) -> bytes:
    return named(module, name) + row(*arguments) + b"R"


def mapping(items: Mapping[str, bytes]) -> bytes:
    return call("collections", "OrderedDict") + b"(" + b"".join(text(k) + v for k, v in items.items()) + b"u"


def tensor(key: str, count: int, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], kind: str) -> bytes:
    storage = row(text("storage"), named("torch", kind), text(key), text("cpu"), number(count), b"N") + b"Q"
    sizes = (row(*map(number, numbers)) for numbers in (shape, strides))
    return call("torch._utils", "_rebuild_tensor_v2", storage, number(offset), *sizes, b"\x89", mapping({}))


def file(objects: bytes, storages: Mapping[str, bytes]) -> bytes:
    """objects: the pickle's body; storages: key -> count (8 bytes, little endian) and values."""
    system = START + b"}(" + text("little_endian") + b"\x88u" + END
    keys = START + b"](" + b"".join(map(text, storages)) + b"e" + END
    return b"".join((MAGIC, PROTOCOL, system, START + objects + END, keys, *storages.values()))


def block(values: np.ndarray) -> bytes:
    return struct.pack("<q", values.size) + values.tobytes()


def saved(tensors: Mapping[str, np.ndarray]) -> bytes:
    """A state dictionary of float32 and int64 arrays, each in a storage of its own."""
    items, storages = {}, {}
    for i, (name, values) in enumerate(tensors.items()):
        kind = {"float32": "FloatStorage", "int64": "LongStorage"}[values.dtype.name]
        strides = tuple(step // values.itemsize for step in values.strides)
        items[name] = tensor(str(i), values.size, 0, values.shape, strides, kind)
        storages[str(i)] = block(values)
    return file(mapping(items), storages)
