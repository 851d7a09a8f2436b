"""The contract between a method and the harness. Ground floor: imports no other room.

A method trains networks and hands over a Deployment: an ordered list of device stages plus, for offloading methods, the
server's network. The harness turns the stages into firmware, runs it, and writes one Record per inference.
"""

from __future__ import annotations

import dataclasses
import json
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np

from bench.errors import DataError
from bench.files import replace, sha256

FORMAT = 1
PROTOCOLS = ("paper", "strong")
NAME = r"[a-z0-9_]+"  # of a data set, a protocol, a method without its variant
MOST = 4096  # pixels along a side, channels, classes
ITEM_BYTES = {"uint8": 1, "int8": 1, "int16": 2, "int32": 4}
NO_REPLY = -32768  # first logit of a `receive` stage whose reply never came: a server clips its own to -32767..32767
Part = Literal["local", "compress", "network"]
Label = Literal["measured", "emulated", "modelled", "mixed"]
Value: TypeAlias = int | str | list[int]


@dataclass(frozen=True)
class Tensor:
    """A named device buffer: shape, integer type and, where the integers stand for reals, real = scale * (q - zero)."""

    shape: tuple[int, ...]
    dtype: str = "int8"
    scale: float = 1.0
    zero: int = 0

    @property
    def count(self) -> int:
        """Values in it."""
        return int(np.prod(self.shape))

    @property
    def nbytes(self) -> int:
        """Bytes on the device."""
        return self.count * ITEM_BYTES[self.dtype]


@dataclass(frozen=True)
class Stage:
    """One step of the device program. `reads`, `writes` name buffers; params are integers, lists of them, file names.

    Every program starts with the buffer "frame" (uint8 HWC) and ends with "scores" (int32, one per class; the highest
    is the prediction, ties to the lowest class). A `receive` stage writes the server's int16 logits.
    """

    op: str
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    params: Mapping[str, Value] = field(default_factory=dict)


class StageKind(ABC):
    """What one `op` means: its buffers, its C code and its Python twin, which agree bit for bit.

    Built in: net, split, quantize, code, send, exit_if, receive, combine. A method may bring its own (Method.stages).
    """

    op: str
    part: Part = "local"  # the component of latency that its cycles count towards
    sources: tuple[Path, ...] = ()  # its C files; NAME.h beside NAME.c declares what `call` uses
    keys: frozenset[str] = frozenset()  # the parameters it must have
    optional: frozenset[str] = frozenset()  # those that it may have

    @abstractmethod
    def outputs(self, stage: Stage, inputs: Mapping[str, Tensor], folder: Path) -> dict[str, Tensor]:
        """The tensors it writes, given those it reads (a payload has its largest possible size)."""

    @abstractmethod
    def call(self, stage: Stage, tensors: Mapping[str, Tensor]) -> str:
        """One C expression of type `enum stage_result`; buffer NAME is `buf_NAME`, its bytes in use `len_NAME`."""

    @abstractmethod
    def run(self, stage: Stage, values: dict[str, np.ndarray], folder: Path) -> None:
        """The same in Python: reads and writes `values` (arrays by buffer name)."""


@dataclass(frozen=True)
class Server:
    """The remote side: payload bytes -> symbols -> values -> network -> int16 logits.

    model: .tflite with float32 input and output; shape: its input (H, W, C); values[s]: the real value of symbol s;
    planar: symbols arrive channel by channel (CHW), else pixel by pixel (HWC); logit_scale: logit per integer step.
    coder, bits and tables: as in the device's `code` stage.
    """

    model: str
    shape: tuple[int, int, int]
    values: tuple[float, ...]
    planar: bool
    logit_scale: float
    coder: str
    bits: int
    tables: tuple[int, ...] = ()


@dataclass(frozen=True)
class Deployment:
    """Everything needed to run a trained method; a folder with deployment.json and the .tflite files it names.

    method: name or name:variant; frame: (H, W, C) of the camera's uint8 image; server: None for on-device methods;
    training: how it was made (command, versions, seed, epochs, data, validation accuracy): free-form JSON.
    """

    method: str
    dataset: str
    protocol: str
    frame: tuple[int, int, int]
    classes: int
    stages: tuple[Stage, ...]
    server: Server | None
    training: Mapping[str, Any]
    folder: Path

    def save(self) -> None:
        """Writes deployment.json (temporary name, then renamed) beside the model files, with their hashes: an export
        that was cut off by another training leaves no program of two halves.
        """
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "folder"}
        fields["stages"] = [dataclasses.asdict(s) for s in self.stages]
        fields["server"] = dataclasses.asdict(self.server) if self.server else None
        models = {name: sha256(self.folder / name) for name in self.files() if (self.folder / name).is_file()}
        text = json.dumps({"format": FORMAT, **fields, "sha256": models}, indent=1)
        text = re.sub(r"\[\n[\s\d,-]+\]", lambda numbers: " ".join(numbers[0].split()), text)  # tables: one line each
        replace(self.folder / "deployment.json", text + "\n")

    @classmethod
    def load(cls, folder: Path) -> Deployment:
        """Raises DataError for a missing, damaged or foreign file, or for a model file that is not there."""
        path = folder / "deployment.json"
        try:
            raw = json.loads(path.read_text())
            if raw.pop("format") != FORMAT:
                raise DataError(
                    f"{path}: unknown format", expected=f"format {FORMAT}", do="train it again with this version"
                )
            hashes = dict(raw.pop("sha256", {}))
            raw["stages"] = tuple(
                Stage(s.pop("op"), tuple(s.pop("reads")), tuple(s.pop("writes")), s.pop("params"), **s)
                for s in raw["stages"]
            )
            if raw["server"] is not None:
                server = dict(raw["server"])
                server |= {name: tuple(server.get(name, ())) for name in ("shape", "values", "tables")}
                raw["server"] = Server(**server)
            raw["frame"] = tuple(raw["frame"])
            deployment = cls(**raw, folder=folder)
            deployment._check_fields()
        except FileNotFoundError:
            raise DataError(
                f"no deployment in {folder}", do="train one: ./reproduce.sh train --method M --dataset D"
            ) from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise DataError(f"{path}: damaged deployment ({error})", do="restore or train it again") from None
        for name in deployment.files():
            if not re.fullmatch(r"[\w.-]+\.tflite", name) or not (folder / name).is_file():
                raise DataError(f"{path}: model file {name!r} is not in that folder", do="restore or train it again")
            if hashes.get(name, now := sha256(folder / name)) != now:
                raise DataError(
                    f"{folder / name} is not the file that was exported with {path.name}", expected=hashes[name],
                    got=now, do="run the training's command again: it exports anew, or restore the folder",
                )  # fmt: skip
        return deployment

    def _check_fields(self) -> None:
        """Raises ValueError that names the fields that are of another type or range than annotated."""
        texts = (self.method, self.dataset, self.protocol)
        sound = {
            "method, dataset or protocol": all(isinstance(text, str) for text in texts),
            "frame": _is_shape(self.frame),
            "classes": type(self.classes) is int and 1 <= self.classes <= MOST,
            "training": isinstance(self.training, dict),
        }
        for number, stage in enumerate(self.stages):
            names = all(isinstance(name, str) for name in (stage.op, *stage.reads, *stage.writes))
            params = isinstance(stage.params, dict) and isinstance(stage.params.get("model", ""), str)
            sound[f"stage {number}"] = names and params
        if server := self.server:
            sound |= {
                "server.model or server.coder": isinstance(server.model, str) and isinstance(server.coder, str),
                "server.shape": _is_shape(server.shape),
                "server.values": len(server.values) > 0 and all(map(_is_real, server.values)),
                "server.planar": isinstance(server.planar, bool),
                "server.logit_scale": _is_real(server.logit_scale) and server.logit_scale > 0,
                "server.bits": type(server.bits) is int and 1 <= server.bits <= 8,
                "server.tables": all(type(n) is int for n in server.tables),
            }
        if wrong := [name for name, good in sound.items() if not good]:
            raise ValueError(f"{', '.join(wrong)}: of another type or range than it must be")

    def files(self) -> list[str]:
        """Names of the model files, device first."""
        names = [str(s.params["model"]) for s in self.stages if "model" in s.params]
        return names + ([self.server.model] if self.server else [])


def _is_shape(value: tuple[object, ...]) -> bool:
    return len(value) == 3 and all(type(n) is int and 1 <= n <= MOST for n in value)


def _is_real(value: object) -> bool:
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]


def deployment_folder(results: Path, method: str, dataset: str, protocol: str) -> Path:
    """results/models/METHOD/DATASET-PROTOCOL, where a deployment is kept; `METHOD:VARIANT` becomes METHOD--VARIANT."""
    return results / "models" / method.replace(":", "--") / f"{dataset}-{protocol}"


@dataclass(frozen=True)
class Request:
    """What `train` asks of a method. budget: "quick" (minutes) or "full"; data_dir: folder of NAME.npz or None.

    minutes: training stops after the last epoch that fits into them; None: no limit. variant: what follows METHOD: in
    the method's name. code: names the code, where checkpoints of other code must not count (figures); else "".
    """

    dataset: str
    protocol: str
    out: Path
    seed: int
    budget: str
    fresh: bool
    data_dir: Path | None
    minutes: float | None = None
    variant: str = ""
    code: str = ""

    def named(self, method: str) -> str:
        """The method's name with the variant that is asked for."""
        return f"{method}:{self.variant}" if self.variant else method


@dataclass(frozen=True)
class Plan:
    """How a method that adapts itself would run under another link or clock, by a profile from its training.

    Means over images: compute_ms on the device (deployed_ms: the same estimate for the program as it is deployed), the
    share of images that is sent, bytes of one payload, accuracy (validation, %). choice: what it adapts, by name.
    """

    choice: Mapping[str, float]
    compute_ms: float
    deployed_ms: float
    sent: float
    payload: float
    accuracy: float


class Method(Protocol):
    """One way to classify an image from the device. Registered by name; see bench/registry.py.

    One that adapts itself to its link may also have `plan(deployment, clock_hz, network_ms, server_ms) -> Plan`, with
    network_ms a function: bytes of a payload -> ms, there and back.
    """

    name: str
    stages: tuple[StageKind, ...]

    def train(self, request: Request) -> Deployment:
        """Trains (or resumes), exports and saves a deployment in request.out."""


@dataclass(frozen=True)
class Record:
    """One inference. Times in ms, clock in Hz, payloads in bytes, energy in mJ (modelled; None: not known).

    cycles: device cycles per stage, in program order. decided: "device" or "server". label_*: where that time is from.
    local = networks + combine; compress = quantize + code; network = up + down; remote = decode + server network.
    serial_ms: the share of network_ms on the line to a modem, where the board has one.
    """

    dataset: str
    method: str
    protocol: str
    image: int
    label: int
    prediction: int
    decided: str
    cycles: Mapping[str, int]
    clock_hz: int
    payload_up: int
    payload_down: int
    local_ms: float
    compress_ms: float
    network_ms: float
    remote_ms: float
    energy_mj: float | None
    label_device: Label
    label_network: Label
    label_remote: Label
    provenance: str
    serial_ms: float = 0.0

    @property
    def total_ms(self) -> float:
        """The four parts, one after the other."""
        return self.local_ms + self.compress_ms + self.network_ms + self.remote_ms
