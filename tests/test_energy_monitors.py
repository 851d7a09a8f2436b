"""Each monitor against a stand-in that speaks its protocol and one that misbehaves; windows against both clocks."""

from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
from monitor_fakes import FakeJoulescope, FakeLpm01a, FakePpk2, trace

from bench import cli, results
from bench.energy.bracket import Bracket
from bench.energy.monitors import base, lpm01a, open_monitor, ppk2
from bench.energy.monitors.base import Samples
from bench.energy.monitors.joulescope import Joulescope
from bench.energy.monitors.lpm01a import Lpm01a
from bench.energy.monitors.ppk2 import Ppk2
from bench.energy.window import median, window
from bench.errors import BenchError, MonitorError, UnknownName
from bench.metering import inference, pulses

CLOCK = 100_000_000
IDLE, BUSY = 0.040, 0.100  # ampere
SCENE = [(0.010, IDLE, 0), (0.020, BUSY, 1), (0.010, IDLE, 0)]
CYCLES = {"net:features": 1_500_000, "code:payload": 500_000}  # 20 ms
BY_HAND = 0.020 * BUSY * 1e3  # mJ per volt


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    for module in (base, ppk2, lpm01a):
        monkeypatch.setattr(module, "STOP_S", 0.3, raising=False)
    monkeypatch.setattr(base, "START_S", 0.3)


def measured(monitor, fake, cycles=CYCLES, payload=b""):
    def infer():
        fake.ended.wait(0.5)  # a reader that gave up does not get there
        return trace(cycles, payload)

    return inference(monitor, infer, CLOCK)


def test_ppk2_measures_a_pulse():
    fake = FakePpk2(SCENE)
    found = measured(Ppk2(fake, "ppk2", 3.3), fake)
    assert found.energy.typical == pytest.approx(3.3 * BY_HAND, rel=0.01)
    assert found.edge_seconds == pytest.approx(0.020)
    assert found.lost == 0
    assert found.energy.low < found.energy.typical < found.energy.high < 1.02 * found.energy.typical
    assert [0x06] in [list(command) for command in fake.commands]


def test_ppk2_counts_and_bounds_samples_that_are_missing():
    fake = FakePpk2(SCENE, "drop")
    found = measured(Ppk2(fake, "ppk2", 3.3), fake)
    assert found.lost == 5
    assert found.edge_seconds == pytest.approx(0.020)
    assert found.energy.typical == pytest.approx(3.3 * BY_HAND, rel=0.01)
    least = 1 - 5 / 2000 * (1 - IDLE / BUSY)  # the five drew what an idle board draws
    assert found.energy.low == pytest.approx(found.energy.typical * least * (1 - 1 / 2000), rel=1e-4)


def test_ppk2_does_not_trust_samples_right_after_a_change_of_range():
    fake = FakePpk2([(0.0005, IDLE, 0), (0.020, BUSY, 1), (0.010, IDLE, 0)], "ranges")
    assert measured(Ppk2(fake, "ppk2", 3.3), fake).lost == 6  # 50: within the pulse, to range 3 and back


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("bad_range", "range of a sample"),
        ("cut", "out of step|range"),
        ("clip", "end of the monitor's range; expected below 1000 mA"),
        ("drop_many", "samples are missing; expected at most 5 %; got 110 of 2000"),
        ("wrap", r"clocks differ; expected 20\.000 ms by the cycle counter; got 19\.360 ms"),
        ("silent", "no samples within"),
        ("endless", "samples go on after the stop"),
    ],
)
def test_ppk2_that_misbehaves_is_an_error(fault, says):
    fake = FakePpk2(SCENE, fault)
    with pytest.raises(MonitorError, match=says):
        measured(Ppk2(fake, "ppk2", 3.3), fake)


def test_something_that_is_no_ppk2_is_refused():
    with pytest.raises(MonitorError, match="no Power Profiler Kit II"):
        Ppk2(FakePpk2(SCENE, "no_end"), "ppk2", 3.3)


def test_lpm01a_measures_from_the_trigger_on():
    scene = [(0.010, 0.010, 0), (0.020, 0.024, 1), (0.010, 0.020, 0)]
    fake = FakeLpm01a(scene)
    found = measured(Lpm01a(fake, "lpm", 3.3), fake)
    assert found.energy.typical == pytest.approx(3.3 * 0.020 * 24, rel=0.01)
    assert found.edge_seconds is None  # its end is known from the cycle counter alone
    assert {"htc", "volt 3300m", "trigsrc d7", "format bin_hexa", "start", "stop"} <= {*fake.commands}


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("refuses", "refused 'volt 3300m'.*err volt"),
        ("silent", "no answer to 'htc'"),
        ("overcurrent", "at most 50 mA"),
        ("overflow", "samples were lost"),
        ("missing", "samples missing"),
        ("error", "no more"),
        ("junk", "out of step"),
        ("no_end", "no end after the stop"),
        ("unplugged", "supply went off"),
        ("damaged", "damaged message; got type 0xf7"),
        ("clip", "end of the monitor's range; expected below 50 mA"),
    ],
)
def test_lpm01a_that_misbehaves_is_an_error(fault, says):
    fake = FakeLpm01a([(0.010, 0.010, 0), (0.020, 0.024, 1), (0.010, 0.020, 0)], fault)
    with pytest.raises(MonitorError, match=says):
        measured(Lpm01a(fake, "lpm", 3.3), fake)


def test_lpm01a_bounds_what_its_time_stamps_miss():
    scene = [(0.010, 0.010, 0), (0.020, 0.024, 1), (0.010, 0.020, 0)]
    whole, short = (
        measured(Lpm01a(fake, "lpm", 3.3), fake) for fake in (FakeLpm01a(scene), FakeLpm01a(scene, "behind"))
    )
    assert (whole.lost, short.lost) == (0, 100)  # of 2000, anywhere: as many idle ones end the window in their stead
    assert short.energy.low == pytest.approx(whole.energy.low * (1 - 100 / 2000 * (1 - 20 / 24)), rel=1e-3)
    assert short.energy.high == pytest.approx(whole.energy.high, rel=1e-3)


def test_joulescope_measures_voltage_too():
    fake = FakeJoulescope(SCENE)
    found = measured(Joulescope(fake), fake)
    assert found.energy.typical == pytest.approx(3.0 * BY_HAND, rel=0.01)
    assert found.edge_seconds == pytest.approx(0.020)
    assert fake.parameters["current_lsb"] == "gpi0"


def test_joulescope_counts_what_it_lost():
    fake = FakeJoulescope(SCENE, "lost")
    assert measured(Joulescope(fake), fake).lost > 0


@pytest.mark.parametrize(
    ("fault", "says"), [("off", "switched off"), ("overwritten", "overwritten"), ("clip", "expected below 3000 mA")]
)
def test_joulescope_that_misbehaves_is_an_error(fault, says):
    fake = FakeJoulescope(SCENE, fault)
    with pytest.raises(MonitorError, match=says):
        measured(Joulescope(fake), fake)


def test_an_error_of_the_board_is_not_hidden_and_the_monitor_stops():
    fake = FakePpk2(SCENE)
    with pytest.raises(ZeroDivisionError):
        Ppk2(fake, "ppk2", 3.3).capture(lambda: 1 / 0)
    assert fake.commands[-1] == bytes([0x07])


def samples(scene, rate=100_000.0, **change):
    from monitor_fakes import play

    ampere, pin = play(scene, rate)
    made = {
        "ampere": ampere.astype(float), "volt": np.full(len(ampere), 3.3), "high": pin.astype(bool),
        "clipped": np.zeros(len(ampere), bool),
    }  # fmt: skip
    return Samples(rate, **(made | change), full_scale=1.0)


def test_two_pulses_are_one_inference_and_one_that_is_too_short_to_see_is_bounded():
    scene = [(0.001, IDLE, 0), (0.010, BUSY, 1), (0.005, IDLE, 0), (0.002, BUSY, 1), (0.001, IDLE, 0)]
    both = window(samples(scene), [0.010, 0.002])
    assert both.energy.typical == pytest.approx(3.3 * BUSY * 12)
    short = window(samples([*scene[:2], scene[2]]), [0.010, 0.00001])
    assert short.energy.typical == pytest.approx(3.3 * BUSY * 10.01)
    assert short.energy.high > 3.3 * BUSY * 10 + 3.3 * 1.0 * 0.01


def test_the_two_clocks_must_agree():
    with pytest.raises(MonitorError, match=r"clocks differ; expected 22\.000 ms.*20\.000 ms"):
        window(samples(SCENE), [0.022])
    with pytest.raises(MonitorError, match="pulses on the board's pin"):
        window(samples(SCENE), [0.010, 0.010])
    with pytest.raises(MonitorError, match="cut off"):
        window(samples(SCENE[:2]), [0.020])
    with pytest.raises(MonitorError, match="too short"):
        window(samples(SCENE), [0.00001])


def test_too_many_missing_samples_are_an_error():
    ampere = samples(SCENE).ampere
    ampere[1100:1300] = np.nan
    with pytest.raises(MonitorError, match="200 of 2000"):
        window(samples(SCENE, ampere=ampere), [0.020])


def test_the_median_needs_five_windows():
    brackets = [Bracket(i, i + 1, i + 2) for i in (1, 9, 2, 3, 4)]
    assert median(brackets) == Bracket(3, 4, 5)
    with pytest.raises(MonitorError, match="at least 5"):
        median(brackets[:4])


def test_pulses_end_at_the_reply():
    cycles = {"net:features": 300, "send": 100, "receive:remote": 50, "combine:scores": 150}
    assert pulses(trace(cycles, b"x"), 100) == [4.0, 2.0]
    assert pulses(trace(cycles), 100) == [6.0]
    assert pulses(trace(cycles, b"x", SimpleNamespace(up_cycles=300, down_cycles=100)), 100) == [10.0]


@pytest.mark.parametrize("url", ["ppk2", "ppk2:/dev/none?volt=nan", "ppk2:/dev/none?amp=1", "ppk2:/dev/no-such-port"])
def test_a_monitor_that_cannot_be_opened_is_an_error_for_the_user(url):
    with pytest.raises(BenchError, match=r"monitor|no such port"):
        open_monitor(url)


def test_an_unknown_kind_of_monitor_lists_the_known():
    with pytest.raises(UnknownName, match="joulescope, lpm01a, ppk2"):
        open_monitor("scope:/dev/ttyACM0")


def test_energy_measure_writes_the_median_beside_the_model(tmp_path, monkeypatch, capsys):
    fake = FakePpk2([(0.002, IDLE, 0), (0.004, BUSY, 1), (0.002, IDLE, 0)])

    class Board:
        @classmethod
        def open(cls, url, build, modem):
            return cls()

        def infer(self, frame, exchange):
            assert fake.ended.wait(5)
            return trace({"net:features": 864_000})  # 4 ms at 216 MHz

        def close(self):
            pass

    monkeypatch.setattr("bench.energy.monitors.open_monitor", lambda url: Ppk2(fake, "ppk2", 3.3))
    monkeypatch.setattr("bench.measure.Device", Board)
    monkeypatch.setattr("bench.compile.program.build", lambda *_: None)
    monkeypatch.setattr("bench.measure.describe", lambda *_: {"build": "b"})
    monkeypatch.setattr("bench.measure.RemoteServer", lambda *_: nullcontext())
    options = ["--board", "/dev/ttyACM0", "--method", "edge_only", "--dataset", "digits", "--out", str(tmp_path)]
    assert cli.main(["energy", "measure", "--monitor", "ppk2:/dev/ttyACM1", *options]) == 0
    rows = {row.metric: row for row in results.read(tmp_path / "energy_measured.csv")}
    assert rows["energy_measured"].value == pytest.approx(3.3 * BUSY * 4, rel=0.01)
    assert (rows["energy_measured"].label, rows["energy_measured"].n) == ("measured", 50)
    assert rows["energy_measured_low"].value < rows["energy_measured"].value < rows["energy_measured_high"].value
    assert rows["energy_modelled"].value == pytest.approx(3.3 * 99 * 4e-3)
    assert "/dev/" not in (tmp_path / "energy_measured.provenance.json").read_text()
    assert fake.closed
    assert "energy_measured" in capsys.readouterr().out


def test_an_emulated_board_has_no_current_to_measure(capsys):
    options = ["--board", "emu://stm32f746", "--method", "agilenn", "--dataset", "digits"]
    assert cli.main(["energy", "measure", "--monitor", "ppk2:/dev/ttyACM1", *options]) == 2
    assert "real board" in capsys.readouterr().err
