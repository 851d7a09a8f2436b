"""What is judged: the features that a deployment's int8 extractor gives, and which of them stay on the device."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bench import datasets
from bench.compile import stages
from bench.compile.net_stage import sound
from bench.errors import DataError
from bench.method import Deployment
from bench.training import export

BATCH = 64  # frames per call of the interpreter


@dataclass(frozen=True)
class Subject:
    """A deployment whose first `k` feature channels stay; those from `sent` on are quantized by `table` and sent."""

    deployment: Deployment
    extractor: str  # file name
    k: int
    sent: int  # k, or 0 where all channels are sent
    table: tuple[int, ...]  # symbol of int8 feature q at q + 128

    @classmethod
    def of(cls, deployment: Deployment) -> Subject:
        """Raises DataError where `refuses` names a reason."""
        if reason := refuses(deployment):
            raise DataError(f"{deployment.method}: nothing to judge", got=reason)
        found = {stage.op: stage for stage in reversed(deployment.stages)}
        k, quantize = found["split"].params["channels"], found["quantize"].params
        sent, table = quantize["first"], quantize["table"]
        assert isinstance(k, int) and isinstance(sent, int) and isinstance(table, list)
        return cls(deployment, str(stages.first(deployment, "net").params["model"]), k, sent, tuple(table))

    @cached_property
    def shape(self) -> tuple[int, int, int]:
        """(H, W, C) of the feature map."""
        height, width, channels = stages.check(self.deployment)[stages.first(self.deployment, "net").writes[0]].shape
        return height, width, channels

    @cached_property
    def scale(self) -> float:
        """What one step of a feature is worth."""
        return self._quantization[0]

    @cached_property
    def zero(self) -> int:
        """The uint8 feature that stands for 0.0."""
        return self._quantization[1] + 128

    @property
    def levels(self) -> int:
        """How many symbols can be sent."""
        return max(self.table) + 1

    def features(self, frames: np.ndarray) -> np.ndarray:
        """uint8 frames (N, H, W, C) -> uint8 features (N, h, w, c), int8 + 128, by LiteRT's quick kernels.

        About 2 % of the bytes differ from the bit-exact interpreter's, few by more than one step (mean 0.04 of 255).
        """
        runner, source, sink = self._runner
        out = np.empty((len(frames), *self.shape), np.uint8)
        for i in range(0, len(frames), BATCH):
            part = frames[i : i + BATCH]
            padded = np.concatenate([part, np.zeros((BATCH - len(part), *part.shape[1:]), np.uint8)])
            runner.set_tensor(source, (padded ^ 0x80).view(np.int8))
            runner.invoke()
            out[i : i + BATCH] = (runner.get_tensor(sink)[: len(part)].view(np.uint8)) ^ 0x80
        return out

    def of_images(self, images: np.ndarray) -> np.ndarray:
        """The same for uint8 images of the data set's native size."""
        return self.features(datasets.frames(images, self.deployment.frame))

    def real(self, features: np.ndarray) -> np.ndarray:
        """uint8 features -> float32."""
        return np.float32(self.scale) * (features.astype(np.float32) - np.float32(self.zero))

    def symbols(self, features: np.ndarray) -> np.ndarray:
        """uint8 features (N, H, W, C) -> uint8 symbols of the channels that are sent (N, H, W, C - sent)."""
        return np.array(self.table, np.uint8)[features[..., self.sent :]]

    @cached_property
    def _quantization(self) -> tuple[float, int]:
        return export.quantization(self.deployment.folder / self.extractor)[1]

    @cached_property
    def _runner(self) -> tuple[Any, int, int]:
        from ai_edge_litert.interpreter import Interpreter

        from bench.training.backend import quiet

        with quiet(), sound(self.deployment.folder / self.extractor):
            runner = Interpreter(str(self.deployment.folder / self.extractor), num_threads=1)
            source = runner.get_input_details()[0]
            runner.resize_tensor_input(source["index"], (BATCH, *source["shape"][1:]))
            runner.allocate_tensors()
        return runner, source["index"], runner.get_output_details()[0]["index"]


def refuses(deployment: Deployment) -> str:
    """Why a deployment's features cannot be judged; "" if they can."""
    return stages.lacks(deployment, "net", "split", "quantize")
