"""The figure-data contract: what is written is read back, and what breaks a rule is refused by name."""

import contextlib
import dataclasses
import fcntl
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import results
from bench.errors import DataError
from bench.files import replace
from bench.provenance import ROOT
from bench.results import COLUMNS, Row, conditions, merge, read, write

ROW = Row(
    "fig_latency", "cifar10", "agilenn", "paper", "bandwidth_kbps=6000;cpu_mhz=216", "total", 21.5, 21.0, 22.0, "ms",
    "mixed", "live", 100, 21.8, 21.5 / 21.8, "agrees",
)  # fmt: skip
number = st.floats(1e-3, 1e6)
rows = st.builds(
    lambda name, value, spread, n, label, source: dataclasses.replace(
        ROW, metric=name, value=value, ci_low=value - spread, ci_high=value + spread, n=n, label=label, source=source,
        paper_value=None, ratio=None, verdict="no_paper_value",
    ),
    st.from_regex(r"[a-z_]{1,8}", fullmatch=True), number, st.floats(0, 10), st.integers(1, 10**6),
    st.sampled_from(results.LABELS), st.sampled_from(results.SOURCES),
)  # fmt: skip


def test_the_columns_are_the_contract():
    key = "figure,dataset,method,protocol,conditions,metric"
    rest = "value,ci_low,ci_high,unit,label,source,n,paper_value,ratio,verdict"
    assert ",".join(COLUMNS) == f"{key},{rest}"
    assert ",".join(COLUMNS[:6]) == key
    assert conditions({"cpu_mhz": 216.0, "bandwidth_kbps": 6000}) == "bandwidth_kbps=6000;cpu_mhz=216"


@given(made=st.lists(rows, unique_by=lambda row: row.key, max_size=5))
def test_round_trip(tmp_path_factory, made):
    path = tmp_path_factory.mktemp("r") / "fig_latency.csv"
    write(path, made)
    back = read(path)
    assert [row.key for row in back] == sorted(row.key for row in made)
    for row, other in zip(back, sorted(made, key=lambda r: r.key), strict=True):
        assert row.value == pytest.approx(other.value, rel=1e-6)
        assert dataclasses.replace(row, value=0, ci_low=0, ci_high=0) == dataclasses.replace(
            other, value=0, ci_low=0, ci_high=0
        )


def test_writing_twice_changes_nothing(tmp_path):
    path = tmp_path / "x.csv"
    write(path, [ROW])
    text = path.read_bytes()
    write(path, read(path))
    assert path.read_bytes() == text
    assert [p.name for p in tmp_path.iterdir()] == ["x.csv"]


def test_a_method_may_name_its_settings(tmp_path):
    row = dataclasses.replace(ROW, method="agilenn:audited+k=3,rho=0.7")
    write(tmp_path / "x.csv", [row])
    assert [found.method for found in read(tmp_path / "x.csv")] == [row.method]


BROKEN = {
    "metric": "Total time", "dataset": "", "method": "a:b:c", "conditions": "cpu_mhz=216;bandwidth_kbps=6000",
    "unit": "s", "label": "guessed", "source": "new", "verdict": "good", "value": float("nan"), "ci_low": None,
    "ci_high": 20.0, "n": 0, "ratio": 1.2, "paper_value": None,
}  # fmt: skip


@pytest.mark.parametrize("field", BROKEN)
def test_a_row_that_breaks_a_rule_is_neither_written_nor_read(tmp_path, field):
    path = tmp_path / "x.csv"
    with pytest.raises(DataError):
        write(path, [dataclasses.replace(ROW, **{field: BROKEN[field]})])
    assert not path.exists()
    write(path, [ROW])
    good = path.read_text()
    cells = good.splitlines()[1].split(",")
    cells[COLUMNS.index(field)] = "" if BROKEN[field] is None else str(BROKEN[field])
    path.write_text(good.splitlines()[0] + "\n" + ",".join(cells) + "\n")
    with pytest.raises(DataError, match="line 2"):
        read(path)


@pytest.mark.parametrize(
    "text", ["", "figure,dataset\n", ",".join(COLUMNS) + "\nfig_latency\n", "\x00", '"', "a,b\n1,2\n"]
)
def test_damaged_files_are_refused(tmp_path, text):
    path = tmp_path / "x.csv"
    path.write_text(text)
    with pytest.raises(DataError):
        read(path)


def test_a_file_that_cannot_be_read_says_how_to_get_it_back(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(DataError) as caught:
        read(path)
    assert f"git checkout -- {path}" in str(caught.value)


def test_a_byte_order_mark_is_no_damage(tmp_path):
    path = tmp_path / "x.csv"
    write(path, [ROW])
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read(path)[0].key == ROW.key


@given(junk=st.binary(max_size=300))
def test_no_bytes_make_the_reader_crash(tmp_path_factory, junk):
    path = tmp_path_factory.mktemp("r") / "x.csv"
    path.write_bytes((",".join(COLUMNS) + "\n").encode() + junk)
    with contextlib.suppress(DataError):
        read(path)


def test_a_key_comes_once(tmp_path):
    path = tmp_path / "x.csv"
    with pytest.raises(DataError, match="two rows"):
        write(path, [ROW, dataclasses.replace(ROW, n=7)])
    write(path, [ROW])
    path.write_text(path.read_text() + path.read_text().splitlines()[1] + "\n")
    with pytest.raises(DataError, match="two rows"):
        read(path)


def test_merge_replaces_what_was_measured_and_keeps_the_rest():
    other = dataclasses.replace(ROW, dataset="svhn")
    new = dataclasses.replace(ROW, n=250)
    assert sorted(merge([ROW, other], [new]), key=lambda r: r.key) == [
        new,
        dataclasses.replace(other, source="recorded"),
    ]


def test_stamps_follow_their_rows(tmp_path):
    path = tmp_path / "x.json"
    other = dataclasses.replace(ROW, dataset="svhn")
    a, b, c = ({"id": name, "inputs": {}} for name in "abc")
    results.write_stamps(path, [ROW, other], {"rows": {}, "stamps": {}}, {ROW.key: a, other.key: b})
    results.write_stamps(path, [ROW, other], results.read_stamps(path), {ROW.key: c})
    kept = results.read_stamps(path)
    assert sorted(kept["stamps"]) == ["b", "c"]
    assert kept["rows"]["|".join(ROW.key)] == "c"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "[" * 99_999,
        '{"rows": 1, "stamps": {}}',
    ],
)
def test_damaged_stamps_are_refused_and_not_replaced(tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(DataError, match="damaged provenance"):
        results.read_stamps(tmp_path / "x.json")


@pytest.mark.parametrize(
    "text",
    ['{"rows": {"k": "x"}, "stamps": {"x": 5}}', '{"rows": {"k": ["x"]}, "stamps": {"x": {"inputs": []}}}'],
)
def test_a_stamp_that_is_none_is_left_out(tmp_path, text):
    (tmp_path / "x.json").write_text(text)
    assert results.read_stamps(tmp_path / "x.json") == {"rows": {}, "stamps": {}}


def test_every_committed_figure_keeps_the_contract():
    for path in (ROOT / "results").glob("*.csv"):
        assert read(path)
        for row in read(path):
            assert row.figure == path.stem


def test_a_reader_keeps_the_file_that_it_has_open(tmp_path):
    path = tmp_path / "file"
    replace(path, "old")
    with path.open() as reader:
        replace(path, "new")
        assert reader.read() == "old"
    assert path.read_text() == "new" and list(tmp_path.iterdir()) == [path]


def test_only_one_writes_at_a_time(tmp_path):
    handle = os.open(tmp_path, os.O_RDONLY)
    with results.exclusive(tmp_path), pytest.raises(BlockingIOError):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(handle)
