"""What a run of fig_latency measures: its cells, and the rows and stamps that come of them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bench import grid, results
from bench.accuracy import count_hits
from bench.compile.toolchain import toolchain
from bench.figures import cells
from bench.figures.cases import Case
from bench.figures.cells import ACCURACY_CODE, code_hash
from bench.figures.latency_rows import FIGURE, Hits, Latency
from bench.figures.recorded import Recorded
from bench.link import Link
from bench.measure import measure, record
from bench.paper import published
from bench.results import Key, Row

# Sources that can change a measured number: a cell that other code made is measured again.
BOARD_CODE = (
    *ACCURACY_CODE, "bench/boards", "bench/firmware", "bench/client.py", "bench/measure.py", "bench/wire.py",
)  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """What the cells of one case say: the board's runs, accuracy (None: not known), where both come from."""

    case: Case
    runs: list[dict[str, Any]]
    full: Hits | None
    stamp: dict[str, Any]


class Campaign:
    """The cells of one command line (`todo`). run() measures; stamps: where its rows come from; notes: for the user.

    args: the options of fig_latency, whose cells other figures share. command: what stamps name, if it is another one.
    """

    def __init__(self, args: argparse.Namespace, cases: Sequence[Case], recorded: Recorded, command: str = "") -> None:
        self.args, self.recorded, self.command = args, recorded, command
        self.link = Link(args.bandwidth)
        modem = {"uart_baud": args.modem.baud} if args.modem else {}
        self.conditions = results.conditions(
            {"bandwidth_kbps": args.bandwidth / 1e3, "cpu_mhz": args.clock / 1e6} | modem
        )
        self.compiler = toolchain(args.compiler)
        self.code = {names: code_hash(names) for names in (BOARD_CODE, ACCURACY_CODE)}
        self.stamps: dict[Key, dict[str, Any]] = {}
        self.notes: list[str] = []
        self.plan = [(case, self._cells(case)) for case in cases]

    def run(self) -> list[Row]:
        """The rows, case by case."""
        paper = published()
        rows: list[Row] = []
        for measured in self.measured(iter(cells.run(self.todo, self.args))):
            case, stamp = measured.case, measured.stamp
            records = [
                record(run, case.deployment, self.args.board, self.args.clock, self.link, stamp["id"])
                for run in measured.runs
            ]
            made = Latency(records, measured.full, self.conditions, paper, case.comparable).rows()
            self.stamps |= {row.key: stamp for row in made if row.source == "live"}
            rows += made
        return rows

    @property
    def todo(self) -> list[grid.Cell]:
        """The cells of all cases."""
        return [cell for _, of_case in self.plan for cell in of_case]

    def measured(self, found: Iterator[Any]) -> Iterator[Measured]:
        """Case by case, from the results of `todo`."""
        for case, of_case in self.plan:
            device, *full = [next(found) for _ in of_case]
            hits = Hits(*full[0]) if full else self._recorded_hits(case)
            yield Measured(case, device["runs"], hits, self._stamp(case, device["info"]))

    def _cells(self, case: Case) -> list[grid.Cell]:
        """The board's cell and, where the whole test split is here, that of its accuracy."""
        size = case.dataset.counts["test"]
        count = min(self.args.images, size)
        board = {
            "n": count,
            "clock_hz": self.args.clock,
            "board": self.args.board,
            "compiler": self.compiler.name,
            "compiler_version": self.compiler.version,
        } | ({"modem": str(self.args.modem)} if self.args.modem else {})
        what = f"{count} images on the board"
        todo = [cells.of(measure, case, self.args, self.code[BOARD_CODE], what, "timing", **board)]
        if case.dataset.source != "sample":
            what = f"accuracy over {size} test images"
            todo.append(cells.of(count_hits, case, self.args, self.code[ACCURACY_CODE], what))
        return todo

    def _recorded_hits(self, case: Case) -> Hits | None:
        row = self.recorded.accuracy(case)
        if row is None:
            self.notes.append(f"{case.title}: accuracy over the full test split is not known here")
            return None
        stamp = self.recorded.stamp(row)
        if stamp is not None:
            self.stamps[(*row.key[:4], self.conditions, row.metric)] = stamp
        return Hits(round(row.value * row.n / 100), row.n, "recorded")

    def _stamp(self, case: Case, info: dict[str, Any]) -> dict[str, Any]:
        """Holds no path of this computer."""
        rate, clock = self.args.bandwidth / 1e3, self.args.clock / 1e6
        command = f"{FIGURE} --bandwidth {rate:.10g}kbps --clock {clock:.10g}MHz --images {self.args.images}"
        if self.args.compiler != "zig":
            command += f" --compiler {self.args.compiler}"
        if self.args.modem:
            command += f" --modem {self.args.modem}"
        return cells.stamp(
            case, self.command or command, board=self.args.board, code=self.code[BOARD_CODE], firmware=info
        )
