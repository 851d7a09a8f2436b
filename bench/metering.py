"""`energy measure`: the energy of inferences on a real board, by a power monitor in its supply."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.boards import ports
from bench.boards.modem import Modem
from bench.cli import Command, out_folder
from bench.energy.window import WINDOWS
from bench.errors import BoardError
from bench.link import parse_clock
from bench.method import PROTOCOLS
from bench.provenance import ROOT

if TYPE_CHECKING:
    from bench.boards.base import Trace
    from bench.energy.bracket import Bracket
    from bench.energy.monitors.base import Monitor
    from bench.energy.window import Window
    from bench.figures.cases import Case
    from bench.results import Row

FIGURE = "energy_measured"
INFERENCES = 10  # per window, as MLPerf Tiny asks for at least


class Energy(Command):
    claim = "measures the energy of inferences on a real board with a power monitor, beside the model"
    minutes = "1-5"

    def arguments(self, parser: argparse.ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        measure = actions.add_parser("measure", help="device compute of a method, in mJ per inference")
        add = measure.add_argument
        add("--monitor", required=True, metavar="URL", help="ppk2:/dev/ttyACM1, lpm01a:PORT or joulescope: (?volt=3.3)")
        add("--board", type=ports.sound, required=True, metavar="URL", help="pyserial URL of the real board")
        add("--method", required=True, metavar="NAME", help="with a trained deployment for the data set")
        add("--dataset", required=True, metavar="NAME", help="whose test images run")
        add("--protocol", default="paper", choices=PROTOCOLS, help="default paper")
        add("--clock", type=parse_clock, default="216MHz", metavar="HZ", help="64MHz, 128MHz or 216MHz (default)")
        add("--compiler", default="zig", metavar="NAME", help="zig (default) or gcc")
        what = "the board sends over its own modem: the whole inference, with the module in the monitor's circuit"
        add("--modem", type=Modem.parse, metavar="HOST[@BAUD]", help=what)
        add("--data-dir", type=Path, metavar="DIR", help="folder of NAME.npz (default $AGILENN_DATA)")
        what = "where records go (default results)"
        add("--out", type=out_folder, default=ROOT / "results", metavar="DIR", help=what)

    def run(self, args: argparse.Namespace) -> int:
        from bench.figures import base
        from bench.figures.cases import Cases

        if ports.is_emulated(args.board):
            raise BoardError("--board: a power monitor measures a real board", expected="a serial port", got=args.board)
        chosen = vars(args) | {"dataset": [args.dataset], "method": [args.method], "retrain": False, "fresh": False}
        (case,) = Cases(argparse.Namespace(**chosen), (), lambda _: "", trains=False).found
        base.make_folder(args.out)
        windows, info = measure(case, args)
        rows = rows_of(case, windows, args.clock, args.modem)
        _write(rows, case, args, info)
        for row in rows:
            print(f"{row.metric:20} {row.value:10.4g} {row.unit:3} {row.label:9} n={row.n}")
        return 0


def measure(case: Case, args: argparse.Namespace) -> tuple[list[list[Window]], dict[str, Any]]:
    """Windows of inferences, each test image in turn; what the firmware says of itself."""
    from tqdm import tqdm

    from bench import datasets
    from bench.compile import program
    from bench.energy.monitors import open_monitor
    from bench.measure import describe, opened

    deployment = case.deployment
    build = program.build(deployment, args.clock, args.compiler)
    frames = datasets.frames(case.dataset.x_test[: WINDOWS * INFERENCES], deployment.frame)
    modem, found = args.modem if deployment.server else None, []
    with open_monitor(args.monitor) as monitor, opened(deployment, build, args.board, modem) as (device, exchange):
        for frame in tqdm(frames, unit="inference", desc="energy", disable=None, leave=False):
            if exchange:
                exchange.clear()
            found.append(inference(monitor, lambda f=frame: device.infer(f, exchange), args.clock))  # type: ignore[misc]
    windows = [found[i : i + INFERENCES] for i in range(0, len(found), INFERENCES)]
    return windows, describe(device, build, 0) | {"monitor": args.monitor.partition(":")[0]}


def inference(monitor: Monitor, infer: Any, clock_hz: int) -> Window:
    """One inference while the monitor records. infer: () -> Trace. Raises MonitorError."""
    from bench.energy.window import window

    trace, samples = monitor.capture(infer)
    return window(samples, pulses(trace, clock_hz))


def pulses(trace: Trace, clock_hz: int) -> list[float]:
    """Seconds by the cycle counter of each time that the board's pin was high.

    Up to the reply and from there on; in one go where the device decides, or has the modem bring the reply.
    """
    if trace.modem:
        return [(sum(trace.cycles.values()) + trace.modem.up_cycles + trace.modem.down_cycles) / clock_hz]
    names = list(trace.cycles)
    reply = next((i for i, name in enumerate(names) if name.startswith("receive")), len(names))
    if not trace.payload:
        reply = len(names)  # decided on the device: all in one go
    counts = list(trace.cycles.values())
    return [sum(part) / clock_hz for part in (counts[:reply], counts[reply:]) if part]


def rows_of(case: Case, windows: Sequence[Sequence[Window]], clock_hz: int, modem: Modem | None = None) -> list[Row]:
    """The median over windows of the mean inference, with bounds; of the processor alone also what the model says."""
    from bench import results
    from bench.energy.bracket import total
    from bench.energy.currents import standard
    from bench.energy.window import median
    from bench.method import Label
    from bench.results import Row

    n = sum(map(len, windows))
    measured = median([total(one.energy for one in inside).scaled(1 / len(inside)) for inside in windows])
    currents = standard()
    seconds = sum(one.seconds for inside in windows for one in inside) / n
    at = results.conditions({"cpu_mhz": clock_hz / 1e6} | ({"uart_baud": modem.baud} if modem else {}))

    def row(metric: str, value: float, label: Label, unit: str = "mJ") -> Row:
        key = (FIGURE, *case.key, at, metric)
        return Row(*key, value, None, None, unit, label, "live", n, None, None, "no_paper_value")

    found: dict[Label, Bracket] = {"measured": measured}
    if not modem:
        found["modelled"] = currents.drawn("run", clock_hz).scaled(currents.volt * seconds)
    made = [row("device", 1e3 * seconds, "measured", "ms")]
    for label, bracket in found.items():
        made.append(row(f"energy_{label}", bracket.typical, label))
        made += [row(f"energy_{label}_{bound}", getattr(bracket, bound), label) for bound in ("low", "high")]
    return made


def _write(rows: Sequence[Row], case: Case, args: argparse.Namespace, info: dict[str, Any]) -> None:
    from bench import results
    from bench.figures import cells
    from bench.figures.recorded import Recorded, stamps_of

    stamp = cells.stamp(case, f"energy measure --clock {args.clock / 1e6:.10g}MHz", firmware=info)
    path = args.out / f"{FIGURE}.csv"
    with results.exclusive(args.out):
        recorded = Recorded(path)
        merged = results.merge(recorded.rows, rows)
        results.write(path, merged)
        results.write_stamps(stamps_of(path), merged, recorded.stamps, {row.key: stamp for row in rows})
