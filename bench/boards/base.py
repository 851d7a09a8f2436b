"""What every board gives back, whatever it is made of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.boards.modem import Exchanged
from bench.compile.stages import Exchange


@dataclass(frozen=True)
class Info:
    """What the firmware says about itself.

    clock_hz: computed on the board from RCC's registers; flags: caches and flash set-up that are on; unique_id: the
    chip's. stack_high_water, stack_size: bytes. cycles: the cycle counter then. program: its JSON description (build,
    compiler, flags, buffers, stages, layers).
    """

    build_id: str
    clock_hz: int
    clock_fault: int
    flags: frozenset[str]
    wait_states: int
    device_id: int
    unique_id: str
    stack_size: int
    stack_high_water: int
    cycles: int
    program: Mapping[str, Any]


@dataclass(frozen=True)
class Trace:
    """One inference. cycles, layer_cycles: processor cycles by label; decided: "device" or "server".

    scores: int32 [classes]; payload: bytes sent up (empty if nothing was sent); values: all result buffers by name.
    modem: where the board sent its payload itself, through its modem.
    """

    prediction: int
    scores: np.ndarray
    cycles: Mapping[str, int]
    layer_cycles: Mapping[str, int]
    payload: bytes
    stack_high_water: int
    decided: str
    values: Mapping[str, np.ndarray]
    modem: Exchanged | None = None


class Board(ABC):
    """Life cycle: open (by a subclass), any number of `infer`, close; also a context manager."""

    info: Info

    @abstractmethod
    def infer(self, frame: np.ndarray | bytes, exchange: Exchange | None = None) -> Trace:
        """Runs the program on one frame (uint8 HWC). exchange: the network and the server, for programs that need
        them.
        """

    @abstractmethod
    def close(self) -> None:
        """Gives the port back."""

    def __enter__(self) -> Board:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
