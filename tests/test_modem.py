"""Device -> modem -> server -> modem -> device, with modems that behave and modems that do not."""

from __future__ import annotations

import numpy as np
import pytest
from deployments import edge_only
from moody_modem import Answers, MoodyModem
from test_measure import settings

from bench import datasets
from bench.boards.device import Device
from bench.boards.modem import AFTER_RESET, BAUD, Event, Line, Modem
from bench.compile import program, stages
from bench.errors import BoardError
from bench.link import Link
from bench.measure import measure, record
from bench.method import Deployment
from bench.provenance import ROOT
from bench.wire import Status

CLOCK, NUMBER, HOST = 216_000_000, 0xA11CE, Modem("127.0.0.1")


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A payload of several fragments."""
    made = edge_only(tmp_path_factory.mktemp("edge"), frame=(48, 48, 1))
    return made, program.build(made, CLOCK)


class Bench:
    """An emulated board whose modem has moods, connected to a server that answers."""

    def __init__(self, built, modem: Modem = HOST, status: Status = Status.OK, **moods: int) -> None:
        self.deployment, build = built
        self.server = Answers(10, status)
        self.device = Device.open("emu://stm32f746", build)
        self.modem = MoodyModem(self.device.port.machine, **moods)
        self.device.use_modem(modem, self.server.port, NUMBER)
        self.frame = np.random.default_rng(3).integers(0, 256, self.deployment.frame, np.uint8)

    def infer(self):
        """One inference, held against its Python twin."""
        trace = self.device.infer(self.frame.tobytes())
        twin = stages.simulate(self.deployment, self.frame, lambda p: self.server.logits(p).tobytes())
        assert trace.payload == twin["payload"].tobytes() and np.array_equal(trace.scores, twin["scores"])
        assert {(m.deployment, m.payload) for m in self.server.seen} == {(NUMBER, trace.payload)}
        return trace.modem


def test_digits_end_to_end():
    """The real server behind the modem: same bytes, same predictions; the serial line's time comes on top."""
    deployment, digits = Deployment.load(ROOT / "results/models/agilenn/digits-paper"), datasets.load("digits")
    asked = settings(deployment, digits) | {"n": 3}
    alone, through = measure(**asked)["runs"], measure(**asked, modem="127.0.0.1@460800")["runs"]
    for plain, run in zip(alone, through, strict=True):
        same = ("image", "prediction", "decided", "payload_up", "payload_down")
        assert [plain[key] for key in same] == [run[key] for key in same]
        assert run["modem"]["tries"] == 1 and 0 < run["remote_us"] < 1e6
        made, usual = (record(r, deployment, "emu://stm32f746", CLOCK, Link(6e6), "") for r in (run, plain))
        on_the_line = (run["modem"]["up_bytes"] + run["modem"]["down_bytes"]) * 1e4 / 460800
        assert made.serial_ms == pytest.approx(on_the_line, rel=0.05) and usual.serial_ms == 0
        assert made.network_ms == pytest.approx(usual.network_ms + made.serial_ms)
        assert made.total_ms > usual.total_ms and made.local_ms == pytest.approx(usual.local_ms, rel=0.02)
        real = record(run, deployment, "/dev/ttyACM0", CLOCK, Link(6e6), "")
        assert real.label_network == "measured" and real.serial_ms == pytest.approx(on_the_line)


@pytest.mark.parametrize("mood", ["too long", "old", "short", "split", "busy", "chatter"])
def test_nuisances_cost_no_try(large, mood):
    assert Bench(large, **{mood: 3}).infer().tries == 1


@pytest.mark.parametrize("mood", ["error", "closed", "send fail", "lost up", "lost down", "flipped", "cut"])
def test_a_message_that_fails_is_sent_again(large, mood):
    bench = Bench(large, **{mood: 1})
    last = bench.infer()
    assert last.tries == 2
    assert len({m.sequence for m in bench.server.seen}) == 1
    assert bench.infer().tries == 1


def test_everything_at_once(large):
    bench = Bench(large, busy=5, error=1, chatter=4, **{"lost up": 1, "too long": 1, "flipped": 1})
    assert bench.infer().tries <= 5


def test_a_modem_that_never_recovers(large):
    for mood, event in (("error", "error"), ("lost down", "timeout")):
        with pytest.raises(BoardError, match=f"no reply through the modem.*; got {event} after 5 tries"):
            Bench(large, **{mood: 10**6}).infer()
    with pytest.raises(BoardError, match=r"server refused.*status 2"):
        Bench(large, status=Status.UNKNOWN).infer()


def test_the_line_takes_its_time(large):
    slow, fast = (Bench(large, Modem("127.0.0.1", baud)).infer() for baud in (AFTER_RESET, 4_608_000))
    assert (slow.up_bytes, slow.down_bytes) == (fast.up_bytes, fast.down_bytes)
    for last, baud in ((slow, AFTER_RESET), (fast, 4_608_000)):
        cycles = (last.up_bytes + last.down_bytes) * 10 * CLOCK / baud
        assert last.up_cycles + last.down_cycles == pytest.approx(cycles, rel=0.02 if baud == AFTER_RESET else 0.4)


def test_a_modem_left_at_another_rate_or_in_mid_line_is_found(large):
    bench = Bench(large)
    bench.modem._typed += b"AT+CIPS"
    bench.device.use_modem(HOST, bench.server.port, NUMBER)
    assert bench.modem.baud == BAUD
    bench.infer()


def test_set_up_that_fails(large):
    with pytest.raises(BoardError, match="is silent; expected OK; got nothing at 115200 and 921600 baud"):
        Bench(large, silent=10**6)
    with pytest.raises(BoardError, match=r"refuses AT.CIPSTART.*DNS Fail"):
        Bench(large, Modem("192.168.0.7"))
    bench = Bench(large)
    line = Line(bench.device.channel)
    assert line.ask("AT+NONSENSE")[0] == Event.ERROR
    assert "AT version" in line.must("AT+GMR")
    bench.modem.moods["silent"] = 99
    with pytest.raises(BoardError, match=r"refuses AT.CWJAP; expected OK; got timeout") as caught:
        line.must('AT+CWJAP_CUR="home","secret"')
    assert "secret" not in str(caught.value)
    with pytest.raises(BoardError, match="at most 192 printable"):
        line.must("AT\r\nAT")
    bench.device.build = bench.device.build.__class__(**{**vars(bench.device.build), "payload": None})
    with pytest.raises(BoardError, match="sends nothing"):
        bench.device.use_modem(HOST, 1, 1)


@pytest.mark.parametrize("text", ["", "@", "host@", "a b", "host@1", "host@9999999", 'x","y', "@921600", "1.2.3.4:0"])
def test_bad_settings(text):
    with pytest.raises(BoardError, match=r"modem.*expected HOST.*9600 to 4608000 baud"):
        Modem.parse(text)
    assert Modem.parse("192.168.0.7") == Modem("192.168.0.7", BAUD)
    assert str(Modem.parse("my-server.lan@115200")) == "my-server.lan@115200"
