"""The energy model against numbers worked out by hand, its data file, and what is refused."""

import dataclasses

import pytest

from bench.energy.bracket import Bracket, exactly, total
from bench.energy.currents import PATH, Currents, standard
from bench.energy.model import energy, inference, phases
from bench.errors import DataError
from bench.link import Link

LINK = Link(6e6)


def test_a_bracket_is_ordered_and_adds_bound_by_bound():
    assert Bracket(1, 2, 3) + exactly(1) == Bracket(2, 3, 4)
    assert Bracket(1, 2, 3) * Bracket(0, 1, 2) == Bracket(0, 2, 6)
    assert total([]) == exactly(0)
    for wrong in ((2, 1, 3), (1, 3, 2), (-1, 0, 1)):
        with pytest.raises(ValueError, match="no bracket"):
            Bracket(*wrong)


def test_currents_are_those_of_the_data_sheet_and_straight_in_between():
    currents = standard()
    assert currents.drawn("run", 216e6) == Bracket(90, 99, 156)
    assert currents.drawn("wait", 216e6) == Bracket(24, 90, 155.3)
    share = (64 - 60) / (144 - 60)
    assert currents.drawn("run", 64e6).typical == pytest.approx(24 + share * (55 - 24))
    assert currents.drawn("run", 64e6).low == pytest.approx(23 + share * (51 - 23))
    with pytest.raises(DataError, match="25 to 216 MHz"):
        currents.drawn("run", 16e6)


def test_an_inference_on_the_device_alone_by_hand():
    found = inference(compute_ms=100, remote_ms=0, up=0, down=0, link=LINK, offloads=False, clock_hz=216e6)
    assert set(found) == {"compute"}
    assert found["compute"].typical == pytest.approx(100e-3 * 3.3 * 99)  # s x V x mA = mJ
    assert found["compute"].low == pytest.approx(100e-3 * 3.3 * 90)
    assert found["compute"].high == pytest.approx(100e-3 * 3.3 * (156 + 0.02))


def test_an_offloaded_inference_by_hand():
    found = inference(compute_ms=10, remote_ms=2, up=1500, down=20, link=LINK, offloads=True, clock_hz=216e6)
    up_ms, down_ms = LINK.up_ms(1500), LINK.down_ms(20)
    assert up_ms + down_ms == LINK.milliseconds(1500, 20)
    assert found["compute"].typical == pytest.approx(10e-3 * 3.3 * (99 + 15))
    assert found["send"].typical == pytest.approx(up_ms * 1e-3 * 3.3 * (90 + 145))
    assert found["server"].typical == pytest.approx(2e-3 * 3.3 * (90 + 60))
    assert found["receive"].typical == pytest.approx(down_ms * 1e-3 * 3.3 * (90 + 60))
    serial = found["serial"]
    assert (serial.low, serial.typical) == (0, 0)
    assert serial.high == pytest.approx(1500 * 10 / 4.5e6 * 3.3 * (155.3 + 88))
    assert found["send"].low == pytest.approx(up_ms * 1e-3 * 3.3 * (24 + 135))


def test_serial_time_that_is_known_counts_in_every_bound():
    asked = {"compute_ms": 10, "remote_ms": 2, "up": 1500, "down": 20, "link": LINK, "offloads": True}
    serial = inference(**asked, clock_hz=216e6, serial_ms=4.0)["serial"]
    assert serial.low == pytest.approx(4e-3 * 3.3 * (24 + 0.9))
    assert serial.typical == pytest.approx(4e-3 * 3.3 * (90 + 15))


def test_an_image_that_the_device_decides_sends_nothing_but_keeps_its_radio():
    found = inference(compute_ms=10, remote_ms=0, up=0, down=0, link=LINK, offloads=True, clock_hz=216e6)
    assert set(found) == {"compute"}
    assert found["compute"].typical == pytest.approx(10e-3 * 3.3 * (99 + 15))


def test_energy_is_proportional_to_time_and_to_voltage():
    currents = standard()
    asked = {"remote_ms": 1, "up": 100, "down": 20, "link": LINK, "offloads": True, "currents": currents}
    short, long = phases(compute_ms=1, **asked), phases(compute_ms=2, **asked)
    once, twice = energy(short, 216e6, currents), energy(long, 216e6, currents)
    assert twice["compute"].high == pytest.approx(2 * once["compute"].high)
    assert twice["send"] == once["send"]
    halved = energy(short, 216e6, dataclasses.replace(currents, volt=1.65))
    assert halved["send"].low == pytest.approx(once["send"].low / 2)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('confidence = "primary, sibling part"', 'confidence = ""'),
        ("ma = [11, 23, 51, 66, 74, 84, 90]", "ma = [11, 23]"),
        ("ma = [11, 23, 51, 66, 74, 84, 90]", "ma = [11, 23, 51, 66, 74, 84, 900]"),
        ("volt = 3.3", "volt = 0"),
        ("[radio.send]", "[radio.sent]"),
        ("mhz = [25, 60", "mhz = [60, 25"),
        ("[supply]", "[supply"),
    ],
)
def test_a_damaged_table_of_currents_is_an_error_that_names_it(tmp_path, old, new):
    text = PATH.read_text()
    assert old in text
    path = tmp_path / "currents.toml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(DataError, match="damaged table of currents"):
        Currents.load(path)
