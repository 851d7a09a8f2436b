"""Networks that read the leading channels of a map where they lie: `split` then copies nothing.

A network whose input goes to MEAN alone needs each value once. Its `net` stage reads the whole map instead of what
`split` would write (parameter "stride": bytes from pixel to pixel), and `split` does nothing. Results are the same
bit for bit; the deployment and its Python twin know nothing of it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from bench.compile import tflite
from bench.method import Deployment, Stage, Tensor


def with_views(deployment: Deployment, tensors: Mapping[str, Tensor]) -> Deployment:
    """The deployment that is compiled: as many stages, in the same order."""
    stages = list(deployment.stages)
    for index, split in enumerate(stages):
        if split.op != "split":
            continue
        readers = [i for i, stage in enumerate(stages) if split.writes[0] in stage.reads]
        if len(readers) != 1 or not averages(stages[readers[0]], deployment.folder):
            continue
        net = stages[readers[0]]
        params = {**net.params, "stride": tensors[split.reads[0]].shape[2]}
        stages[readers[0]] = dataclasses.replace(net, reads=split.reads, params=params)
        stages[index] = dataclasses.replace(split, reads=(), writes=())
    return dataclasses.replace(deployment, stages=tuple(stages))


def averages(stage: Stage, folder: Path) -> bool:
    """Whether it is a network that takes means of its input and reads it for nothing else."""
    if stage.op != "net":
        return False
    graph = tflite.read(folder / str(stage.params["model"]))
    readers = [operator.op for operator in graph.operators if graph.inputs[0] in operator.inputs]
    return readers == ["MEAN"] and graph.inputs[0] not in graph.outputs
