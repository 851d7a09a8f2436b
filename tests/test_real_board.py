"""All of a real board but the silicon: an emulated one behind a socket or a terminal, and a pretended pyocd."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from deployments import edge_only
from relay import Relay
from serial.tools import list_ports
from test_measure import settings

from bench import datasets
from bench.boards import flash, hello, tools
from bench.boards.device import Device
from bench.boards.emulator.image import Image
from bench.cli import main
from bench.compile import program
from bench.errors import BoardError
from bench.measure import measure
from bench.method import Deployment
from bench.provenance import ROOT

CLOCK = 216_000_000
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="other systems' pseudo-terminals know no 1 Mbaud")
PYOCD = {
    "pyocd/__init__.py": "",
    "pyocd/core/__init__.py": "",
    "pyocd/core/exceptions.py": "class Error(Exception): pass\nclass TargetSupportError(Error): pass\n",
    "pyocd/core/helpers.py": """
import os
from . import exceptions
class Target:
    def reset(self): print("reset")
class Session:
    target = Target()
    def __enter__(self): return self
    def __exit__(self, *_): pass
class ConnectHelper:
    @staticmethod
    def session_with_chosen_probe(blocking, return_first, unique_id, target_override):
        assert not blocking and return_first and target_override == "stm32f746nghx"
        print("probe", unique_id)
        if os.environ["PROBE"] == "no pack":
            raise exceptions.TargetSupportError("not recognized")
        return Session() if os.environ["PROBE"] != "none" else None
""",
    "pyocd/flash/__init__.py": "",
    "pyocd/flash/file_programmer.py": """
import os
from ..core import exceptions
class FileProgrammer:
    def __init__(self, session, progress): pass
    def program(self, path):
        if os.environ["PROBE"] == "breaks":
            raise exceptions.Error("SWD fault")
        print("program", path)
""",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    made = edge_only(tmp_path_factory.mktemp("edge"))
    return made, program.build(made, CLOCK)


@pytest.fixture
def pyocd(tmp_path, monkeypatch):
    """A stand-in that prints what it is asked, and an ST-LINK with a serial number at /dev/ttyACM0."""
    for name, text in PYOCD.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    port = type("Port", (), {"vid": 0x0483, "device": "/dev/ttyACM0", "serial_number": "066BFF"})
    monkeypatch.setattr(list_ports, "comports", lambda: [port()])
    monkeypatch.setenv("PROBE", "works")
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "pyocd"]:
        del sys.modules[name]


@pytest.mark.parametrize("terminal", [False, pytest.param(True, marks=LINUX)])
def test_a_measurement_over_a_socket_and_a_terminal(terminal):
    """The whole way of fig_latency --board URL, with the results of emu://."""
    deployment, digits = Deployment.load(ROOT / "results/models/edge_only/digits-paper"), datasets.load("digits")
    asked = settings(deployment, digits) | {"n": 2}
    relay = Relay(program.build(deployment, CLOCK).elf, terminal)
    runs = measure(**asked | {"board": relay.url})
    direct = measure(**asked)
    for run, other in zip(runs["runs"], direct["runs"], strict=True):
        ignored = {"remote_us": 0, "cycles": 0}
        assert run | ignored == other | ignored
        assert sum(run["cycles"].values()) == pytest.approx(sum(other["cycles"].values()), rel=0.02)
    assert "timing_model" not in runs["info"] and runs["info"]["build"] == direct["info"]["build"]


def test_a_port_of_another_computer(built):
    _, build = built
    with Device.open(Relay(build.elf, scheme="rfc2217").url, build) as device:
        assert device.info.build_id == build.build_id


def test_check_reports_and_holds_the_counter_against_the_clock(built, monkeypatch, capsys):
    _, build = built
    assert main(["board", "check", "--board", f"emu://stm32f746?elf={build.elf}"]) == 0
    said = capsys.readouterr().out
    for words in ("edge_only test paper", build.build_id, "216,000,000 Hz by its registers", "cycle counter", "7 wait"):
        assert words in said
    monkeypatch.setattr(tools, "WATCHED_S", 0.05)
    assert main(["board", "check", "--board", Relay(build.elf).url]) == 2  # virtual time is not this computer's
    out, err = capsys.readouterr()
    assert "by this computer's clock" in out and "the crystal is not the expected one" in err


def test_a_counter_that_stands_still(built):
    _, build = built
    with Device.open("emu://stm32f746", build) as device:
        device.info = device.info.__class__(**{**vars(device.info), "cycles": 0})
        with pytest.raises(BoardError, match="cycle counter stands still"):
            device._check()


def test_modem_commands(built, capsys):
    _, build = built
    url = f"emu://stm32f746?modem=esp8266&elf={build.elf}"
    assert main(["board", "modem", "--board", url, "AT+GMR", 'AT+CWJAP_DEF="home","secret"']) == 0
    assert "AT version:1.7" in capsys.readouterr().out
    assert main(["board", "modem", "--board", url, "AT+WHAT", "AT+GMR"]) == 1
    assert capsys.readouterr().out == "ERROR\n"


def test_another_firmware_is_replaced_where_that_is_possible(built, tmp_path, monkeypatch):
    _, build = built
    other = program.build(edge_only(tmp_path, (8, 8, 1)), CLOCK)
    relay = Relay(other.elf)
    with pytest.raises(hello.OtherFirmware, match=f"board flash {build.elf}"):
        Device.open(relay.url, build)
    monkeypatch.setattr(flash, "is_possible", lambda url: url == relay.url)
    monkeypatch.setattr(flash, "program", lambda elf, url: setattr(relay, "elf", elf))
    with Device.open(relay.url, build) as device:
        assert device.info.build_id == build.build_id
    monkeypatch.setattr(flash, "program", lambda elf, url: setattr(relay, "elf", other.elf))
    with pytest.raises(BoardError, match="runs another firmware"):  # once is enough
        Device.open(relay.url, build.__class__(**{**vars(build), "build_id": "0" * 16}))


def test_flash_with_pyocd(built, pyocd, monkeypatch, capsys):
    _, build = built
    assert main(["board", "flash", str(build.elf)]) == 0
    assert capsys.readouterr().out == f"probe 066BFF\nprogram {build.elf}\nreset\n"
    for state, words in (
        ("no pack", "pyocd pack install stm32f746ng"),
        ("none", "60-agilenn-bench.rules"),
        ("breaks", "SWD fault.*openocd -f board/stm32f746g-disco.cfg"),
    ):
        monkeypatch.setenv("PROBE", state)
        with pytest.raises(BoardError, match=words):
            flash.program(build.elf, "/dev/ttyACM0")
    assert not flash.is_possible("/dev/ttyUSB3") and not flash.is_possible("socket://host:1")
    assert flash.RULES.is_file()


def test_flash_by_hand(built, tmp_path, capsys):
    _, build = built
    elf = tmp_path / "firmware.elf"
    elf.write_bytes(build.elf.read_bytes())
    assert main(["board", "flash", str(elf), "--board", "/dev/ttyNOWHERE"]) == 1
    said = capsys.readouterr().out
    for words in (f"pyocd flash --target stm32f746nghx {elf}", f'"program {elf} verify', "st-flash --reset write"):
        assert words in said
    binary = (tmp_path / "firmware.bin").read_bytes()
    image = np.frombuffer(binary, "<u4")
    assert 0x20000000 < image[0] <= 0x20010000 and image[1] & 1 and 0x08000000 < image[1] < 0x08000000 + len(binary)
    assert len(binary) == build.flash or abs(len(binary) - build.flash) < 64
    assert Image.load(elf).vectors == 0x08000000
    assert main(["board", "flash", str(tmp_path / "nothing.elf")]) == 2
