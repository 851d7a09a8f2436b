"""The paper's values and the verdicts on ours."""

import pytest

from bench.errors import DataError
from bench.paper import FIG16, Paper, published, ratio, verdict

PAPER = published()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (("cifar10", "agilenn", "paper", FIG16, "total"), 21.8),
        (("cifar10", "edge_only", "paper", FIG16, "network"), 74.7),
        (("cifar10", "agilenn:text", "paper", FIG16, "accuracy"), 94.2),
        (("cifar10", "agilenn", "strong", FIG16, "total"), None),
        (("cifar10", "agilenn", "paper", "bandwidth_kbps=270;cpu_mhz=216", "total"), None),
        (("digits", "agilenn", "paper", FIG16, "total"), None),
        (("cifar10", "agilenn", "paper", FIG16, "payload_up"), None),
    ],
)
def test_lookup(key, value):
    assert PAPER.value("fig_latency", *key) == value


@pytest.mark.parametrize("text", [None, "", "a,b\n1,2\n", "\x00"])
def test_a_damaged_table_is_refused(tmp_path, text):
    path = tmp_path / "p.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(DataError):
        Paper(path)


@pytest.mark.parametrize(
    ("unit", "ours", "paper", "comparable", "gap", "expected"),
    [
        ("ms", 20.0, None, True, 0.0, "no_paper_value"),
        ("ms", 20.0, 20.0, False, 0.0, "not_comparable"),
        ("ms", 20.0, 20.0, True, -3.0, "unmatched"),
        ("ms", 20.0, 20.0, True, None, "unmatched"),
        ("ms", 21.9, 20.0, True, 0.5, "agrees"),
        ("ms", 22.1, 20.0, True, 0.5, "worse"),
        ("ms", 17.9, 20.0, True, -1.0, "better"),
        ("ms", 0.05, 0.0, True, 0.0, "agrees"),
        ("percent", 93.3, 94.2, True, 0.0, "agrees"),
        ("1", 0.34, 0.25, True, 0.0, "worse"),
        ("ratio", 0.25, 0.26, True, 0.0, "agrees"),
        ("percent", 95.3, 94.2, True, 0.0, "better"),
        ("percent", 90.0, 94.2, True, 0.0, "worse"),
    ],
)
def test_verdicts(unit, ours, paper, comparable, gap, expected):
    assert verdict(unit, ours, paper, comparable=comparable, gap=gap) == expected


def test_fewer_violations_are_better():
    same = {"comparable": True, "gap": 0.0}
    assert verdict("percent", 10.1, 2.1, **same, metric="order_violations") == "worse"
    assert verdict("percent", 0.1, 2.1, **same, metric="order_violations") == "better"


def test_ratio():
    assert ratio(10.0, 20.0) == 0.5
    assert ratio(10.0, 0.0) is None
    assert ratio(10.0, None) is None
