"""Figures about energy, clock, rate, deadline and loss, from invented deployments, against numbers by hand."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from operating_cases import METHODS, PAPER, N, maker, makers, operating

from bench import fallback, registry
from bench.energy.bracket import total
from bench.figures import crossing, fig_bandwidth, fig_cpu, fig_deadline, fig_energy, fig_loss, grid_plot, rescheduled
from bench.figures.latency_rows import Hits
from bench.figures.operating_rows import OperatingRows
from bench.figures.operating_study import CLOCKS, RATES, sweep
from bench.link import Link
from bench.results import check

LINK = Link(6e6)
NAMES = ("fig_energy", "fig_cpu", "fig_bandwidth", "fig_grid", "fig_deadline", "fig_loss")


def by_metric(rows):
    return {row.metric: row for row in rows}


def all_rows(name, dataset="cifar100"):
    figure = registry.command(name)
    given = makers(name, dataset, figure.clocks)
    figure.alone = {one.operating.case.key: Hits(3000, 10_000) for one in given}
    return figure, [row for rows in figure.rows_of(given) for row in rows]


@pytest.mark.parametrize("name", NAMES)
def test_rows_keep_the_contract_and_are_drawn_for_every_method(name, tmp_path):
    figure, rows = all_rows(name)
    for row in rows:
        check(row)
    assert len({row.key for row in rows}) == len(rows)
    assert {row.method for row in rows} == {*METHODS}
    files = figure.draw(rows, tmp_path)
    assert [file.name for file in files] == [f"{name}.pdf", f"{name}.png"]
    assert min(file.stat().st_size for file in files) > 5000
    assert figure.draw([], tmp_path) == []
    assert figure.table(rows)


def test_latency_by_hand():
    one = operating(up=np.full(N, 2500), down=np.full(N, 20))
    assert one.total_ms(LINK) == pytest.approx(np.full(N, 3.0 + LINK.milliseconds(2500, 20) + 1.0))


def test_images_that_the_device_decides_pay_neither_link_nor_server():
    one = operating("spinn", early=0.25)
    times = one.total_ms(LINK)
    assert times[: N // 4] == pytest.approx(20.0)
    assert times[N // 4 :].min() > 20 + 1
    sent = one.energy_mj(LINK)["send"]
    always = operating("spinn").energy_mj(LINK)["send"]
    assert sent.typical == pytest.approx(0.75 * always.typical, rel=0.02)


def test_energy_has_bounds_phases_and_the_papers_multiple():
    reference = maker(method="agilenn")
    rows = by_metric(fig_energy.rows_of(maker(method="deepcod"), reference))
    phases = [rows[f"energy_{name}"].value for name in ("compute", "serial", "send", "server", "receive")]
    assert rows["energy"].value == pytest.approx(sum(phases))
    assert rows["energy_low"].value < rows["energy"].value < rows["energy_high"].value
    assert (rows["energy"].paper_value, rows["energy"].verdict) == (175.3, "not_comparable")
    multiple = rows["energy_multiple"]
    assert multiple.paper_value == pytest.approx(175.3 / 66.6)
    own = total(reference.operating.energy_mj(LINK).values()).typical
    assert multiple.value == pytest.approx(rows["energy"].value / own)
    assert multiple.verdict == "worse" or multiple.verdict == "better"
    assert "energy_multiple" not in by_metric(fig_energy.rows_of(reference, reference))
    assert {row.label for row in rows.values() if row.metric.startswith("energy")} == {"modelled"}


def test_a_method_on_the_device_alone_has_no_radio():
    rows = by_metric(fig_energy.rows_of(maker(method="mcunet"), None))
    assert rows["energy"].value == pytest.approx(120e-3 * 3.3 * 99)
    assert "energy_send" not in rows


def test_clocks_have_the_papers_values_beside_them():
    rows = by_metric(fig_cpu.rows_of(maker("fig_cpu", clock=64_000_000)))
    assert rows["total"].paper_value == 66.86
    assert rows["device"].value == pytest.approx(3.0 * 216 / 64)
    assert rows["device_cycles"].value == pytest.approx(3.0 * 216e3)
    assert "accuracy" not in rows  # once, at 216 MHz


def test_a_verdict_needs_a_known_accuracy_near_the_papers():
    near = by_metric(fig_cpu.rows_of(maker("fig_cpu")))["total"]
    assert near.verdict == "better"
    unknown = by_metric(fig_cpu.rows_of(maker("fig_cpu", full=False)))
    assert unknown["total"].verdict == "unmatched"
    assert (unknown["accuracy_sample"].value, unknown["accuracy_sample"].n) == (75.0, N)


def test_rates_hold_the_papers_and_only_the_link_differs():
    assert {*RATES} <= {*sweep()}
    assert (min(sweep()), max(sweep())) == (50e3, 20e6)
    rows = fig_bandwidth.rows_of(maker("fig_bandwidth"), sweep())
    totals = {row.where["bandwidth_kbps"]: row for row in rows if row.metric == "total"}
    assert totals["270"].paper_value == 117.25
    assert totals["50"].paper_value is None
    one = operating()
    share = one.network_ms(Link(270e3)).mean() / one.network_ms(LINK).mean()
    assert share == pytest.approx(6e6 / 270e3)


def test_crossings_by_hand():
    near = operating(compute_ms=np.full(N, 10.0), up=np.full(N, 5000), down=np.full(N, 20), remote_ms=0.0)
    alone = operating("mcunet", compute_ms=np.full(N, 30.0))
    ((before, after, rate),) = crossing.crossings([near, alone], sweep())
    assert (before, after) == (1, 0)
    bits = 8 * (LINK.air_bytes(5000) + LINK.down_ms(20) * 6e6 / 8e3)
    assert rate == pytest.approx(bits / 0.020, rel=1e-3)  # 20 ms for the link
    assert crossing.crossings([near], sweep()) == []
    assert crossing.crossings([], sweep()) == []


def test_overtaken_is_a_row_of_the_one_who_led_below():
    _, rows = all_rows("fig_bandwidth")
    found = {row.method: row for row in rows if row.metric == "overtaken"}
    assert found["mcunet"].where["by"] == "deepcod"
    assert found["mcunet"].value < found["deepcod"].value


def test_where_the_fastest_changes_replaces_what_was_recorded():
    _, rows = all_rows("fig_bandwidth")
    (old,) = [row for row in rows if row.metric == "overtaken" and row.method == "mcunet"]
    old = dataclasses.replace(old, conditions="by=spinn")
    assert fig_bandwidth.FigBandwidth().stale(old, rows)
    assert not fig_bandwidth.FigBandwidth().stale(dataclasses.replace(old, dataset="digits"), rows)
    assert not any(fig_bandwidth.FigBandwidth().stale(row, rows) for row in rows if row.metric != "overtaken")


def profiled():
    """SPINN deployed with its second split; the first one sends more and computes less."""

    def split(number, cycles, payload):
        points = [{"threshold": 128, "left": [0.0] * number, "accuracy": 90.0},
                  {"threshold": 64, "left": [0.5] + [0.0] * (number - 1), "accuracy": 89.8}]  # fmt: skip
        return {"number": number, "shape": [4, 4, 8], "cycles": cycles, "code_cycles": 0, "payload": payload,
                "points": points}  # fmt: skip

    splits = [split(1, [216_000], 6000), split(2, [216_000, 2_160_000], 1000)]
    training = {"profile": {"accuracy": 90.0, "splits": splits}, "split": 2, "threshold": 128}
    training["validation"] = {"images": 500}
    one = operating("spinn", compute_ms=np.full(N, 20.0))
    case = SimpleNamespace(
        **vars(one.case) | {"deployment": dataclasses.replace(one.case.deployment, training=training)}
    )
    return OperatingRows("fig_bandwidth", dataclasses.replace(one, case=case), PAPER)


def test_spinn_is_cut_anew_for_each_rate():
    slow, fast = (by_metric(rescheduled.rows_of(profiled(), Link(rate))) for rate in (50e3, 100e6))
    assert [rows["rescheduled_split"].value for rows in (slow, fast)] == [2, 1]
    assert slow["rescheduled_threshold"].value == 64  # 0.2 points less, half of the images stay
    link = Link(100e6)
    device = 1.0 * 20 / 10  # ms of the profile, doubled: the deployed program takes 20 ms where it says 10
    away = 0.5 * (link.milliseconds(6000, 20) + 1.0)
    assert fast["total_rescheduled"].value == pytest.approx(device + away)
    assert fast["total_rescheduled"].label == "mixed"  # the server's time is measured
    assert (fast["accuracy_rescheduled"].value, fast["accuracy_rescheduled"].n) == (89.8, 500)
    assert rescheduled.rows_of(maker(method="edge_only"), LINK) == []
    silent = dataclasses.replace(profiled().operating, up=np.zeros(N, int))
    assert rescheduled.rows_of(OperatingRows("fig_bandwidth", silent, PAPER), LINK) == []


def test_a_winner_must_be_accurate_enough():
    _, rows = all_rows("fig_grid")
    cells = grid_plot.winners(rows)["cifar100", "paper"]
    assert {(clock, rate) for _, clock, rate in cells} == {(clock / 1e6, rate) for clock in CLOCKS for rate in
                                                          (50, 100, 270, 500, 1000, 2000, 6000, 20000)}  # fmt: skip
    assert cells["total", 216, 50].method == "mcunet"
    poor = [dataclasses.replace(row, value=64.9) if row.metric == "accuracy" and row.method == "mcunet" else row
            for row in rows]  # fmt: skip
    assert grid_plot.winners(poor)["cifar100", "paper"]["total", 216, 50].method != "mcunet"


def test_a_late_answer_counts_as_none():
    one = operating(compute_ms=np.linspace(1, 40, N), up=np.zeros(N, int), correct=np.arange(N) < 20)
    times = one.total_ms(LINK)
    assert fig_deadline.in_time(one, times, 1000) == pytest.approx(73.0)
    assert fig_deadline.in_time(one, times, 10) == pytest.approx(73.0 * 10 / 20)  # 10 of the 20 right ones
    assert fig_deadline.in_time(one, times, 0.5) == 0


def test_loss_mixes_the_devices_own_answer_with_the_servers():
    one = operating(up=np.full(N, 2500), down=np.full(N, 20))
    packets = LINK.packets(2500) + LINK.packets(20)
    arrives = 0.9**packets
    assert fig_loss.one_try(one, 30.0, LINK, 0.1) == pytest.approx(arrives * 73 + (1 - arrives) * 30)
    assert fig_loss.one_try(one, 30.0, LINK, 0.0) == pytest.approx(73)
    assert fig_loss.one_try(one, 30.0, LINK, 1.0) == pytest.approx(30)
    assert fig_loss.one_try(operating("mcunet"), 66.0, LINK, 1.0) == pytest.approx(66)
    twice = 3.0 + 2 * LINK.milliseconds(2500, 20) + 1.0
    assert fig_loss.resent_ms(one, LINK, 0.5) == pytest.approx(twice)


def test_what_the_device_reaches_alone_has_its_own_count():
    rows = by_metric(fig_loss.rows_of(maker("fig_loss"), Hits(30, 100)))
    assert (rows["accuracy_alone"].value, rows["accuracy_alone"].n) == (30.0, 100)
    assert rows["accuracy_alone"].ci_low < 30 < rows["accuracy_alone"].ci_high


def test_fallback_of_committed_models():
    from bench import datasets
    from bench.method import Deployment
    from bench.provenance import ROOT

    frames = datasets.load("digits", None).x_test[:5]
    models = ROOT / "results" / "models"
    for method, answers in (("agilenn", True), ("edge_only", False)):
        deployment = Deployment.load(models / method / "digits-paper")
        found = [fallback.answer(deployment, frame) for frame in datasets.frames(frames, deployment.frame)]
        assert [one is not None for one in found] == [answers] * 5
