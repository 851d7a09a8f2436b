"""Power monitors by URL: KIND:PORT?volt=3.3. A new one is a driver and a line here, or an entry point."""

from __future__ import annotations

import math
from urllib.parse import parse_qs

from bench import registry
from bench.energy.monitors.base import Monitor
from bench.errors import MonitorError

MONITORS = {
    "ppk2": "bench.energy.monitors.ppk2:open_ppk2",
    "lpm01a": "bench.energy.monitors.lpm01a:open_lpm01a",
    "joulescope": "bench.energy.monitors.joulescope:open_joulescope",
}
FORMS = "ppk2:/dev/ttyACM1, lpm01a:/dev/ttyACM1 or joulescope:, perhaps with ?volt=3.3"


def open_monitor(url: str) -> Monitor:
    """volt: supply voltage of what is measured, where the monitor does not measure it (3.3 if not said).

    Raises MonitorError, BoardError for its port, UnknownName for another kind.
    """
    kind, colon, rest = url.partition(":")
    if not colon:
        raise MonitorError(f"monitor {url!r} is not understood", expected=FORMS)
    port, _, options = rest.partition("?")
    given = parse_qs(options, keep_blank_values=True)
    try:
        if {*given} - {"volt"}:
            raise ValueError
        volt = float(given.get("volt", ["3.3"])[0])
        if not (math.isfinite(volt) and 1.0 <= volt <= 5.0):
            raise ValueError
    except ValueError:
        raise MonitorError(f"monitor {url!r}: options", expected="volt=1.0 to 5.0", got=options) from None
    return registry.find("monitor", kind, MONITORS)(port, volt)
