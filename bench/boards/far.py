"""rfc2217://: a serial port of another computer."""

from __future__ import annotations

from serial import rfc2217


class FarPort(rfc2217.Serial):
    """pyserial's, which agrees with the other side on all settings anew at every change of a time-out. Time-outs are
    ours alone: here they change at once, and there is none for writes, which pyserial refuses.
    """

    @property
    def timeout(self) -> float | None:
        """Seconds that a read may take."""
        return self._timeout  # type: ignore[no-any-return]

    @timeout.setter
    def timeout(self, seconds: float | None) -> None:
        self._timeout = seconds
