"""`board calibrate`: an emulated board with altered penalties gives them back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from relay import Relay

from bench.boards.calibration.fit import Cycles, penalties
from bench.boards.calibration.measure import build
from bench.boards.emulator.timing.parameters import CALIBRATION, Parameters
from bench.errors import BoardError
from bench.registry import command

ALTERED = {
    "core": {"store_to_load": 4},
    "branch": {"mispredict": 9},
    "memory": {
        "flash_line_at_7_wait_states": 23,
        "art_line_at_7_wait_states": 12,
        "sram_line": 11,
        "store_line": 3,
        "write_back": 6,
        "uncached_fetch": 5,
        "uncached_flash_read": 9,
        "uncached_sram_read": 7,
        "uncached_write": 3,
        "unaligned_load": 1,
    },
}


def calibrate(board: str, out: Path) -> None:
    import argparse

    target = command("board")
    parser = argparse.ArgumentParser()
    target.arguments(parser)
    assert target.run(parser.parse_args(["calibrate", "--board", board, "--out", str(out)])) == 0


@pytest.mark.parametrize("altered", [{}, ALTERED])
def test_what_the_emulator_was_told_is_measured(tmp_path: Path, altered: dict[str, dict[str, int]]) -> None:
    told, out = tmp_path / "told.json", tmp_path / "out" / "calibration.json"
    values = json.loads(CALIBRATION.read_text())
    for part, changed in altered.items():
        values[part] |= changed
    told.write_text(json.dumps(values))
    calibrate(f"emu://stm32f746?calibration={told}", out)
    measured = Parameters.load(path=out)
    expected = Parameters.load(path=told)
    assert (measured.core, measured.branch, measured.memory) == (expected.core, expected.branch, expected.memory)
    assert measured.name == "stm32f746-emulated" and "history_bits" in json.loads(out.read_text())["note"]


def test_a_board_behind_a_socket_gives_a_file_of_its_own(tmp_path: Path) -> None:
    """As a real one: named after the chip, not after the emulator."""
    relay, out = Relay(build().elf), tmp_path / "calibration.json"
    calibrate(relay.url, out)
    file, built_in = json.loads(out.read_text()), Parameters.load()
    assert file["name"] == f"stm32f746-{b'emulated-746'.hex()}" and relay.url in file["note"]
    assert Parameters.load(path=out).memory == built_in.memory


def test_cycles_that_make_no_sense_are_refused() -> None:
    with pytest.raises(BoardError, match=r"flash_line.*board check"):
        penalties(Cycles(*[1000] * 2, 0, *[1000] * 16))


def test_a_missing_calibration_is_named(tmp_path: Path) -> None:
    with pytest.raises(BoardError, match=r"nowhere\.json"):
        calibrate(f"emu://stm32f746?calibration={tmp_path}/nowhere.json", tmp_path / "out.json")
