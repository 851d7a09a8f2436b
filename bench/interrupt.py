"""Ctrl-C that waits for the image under way: raised inside a callback of the emulator, it would be lost."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stop:
    """Remembers a Ctrl-C until check() is called; a second one is not waited for."""

    asked = False

    def check(self) -> None:
        """Raises the KeyboardInterrupt that came since."""
        if self.asked:
            raise KeyboardInterrupt

    def _remember(self, number: int, frame: FrameType | None) -> None:
        if self.asked:
            signal.default_int_handler(number, frame)
        self.asked = True


@contextmanager
def between_steps() -> Iterator[Stop]:
    """`with between_steps() as stop:` and stop.check() after each step. Does nothing outside the main thread."""
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = signal.signal(signal.SIGINT, stop._remember)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)
    stop.check()
