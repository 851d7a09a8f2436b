"""Networks that average a map's first channels where they lie, and those that cannot."""

from __future__ import annotations

import dataclasses

import pytest
from deployments import Network, agilenn
from test_program import compare

from bench.compile import stages
from bench.compile.views import with_views


@pytest.mark.parametrize("averages", [True, False])
def test_split_copies_only_for_networks_that_do_more_than_average(tmp_path, averages):
    made = agilenn(tmp_path)
    if not averages:
        Network((8, 8, 5), 6 / 255, -128, 7).conv(6, 1, 1).head(10).save(tmp_path / "local.tflite")
    compiled = with_views(made, stages.check(made)).stages
    assert [stage.op for stage in compiled] == [stage.op for stage in made.stages]
    assert (compiled[1].writes, compiled[2].reads) == (
        ((), ("features",)) if averages else (("important",), ("important",))
    )
    _, traces = compare(made)
    assert all((trace.cycles["split:important"] < 100) == averages for trace in traces)


def test_a_map_that_others_read_is_copied(tmp_path):
    made = agilenn(tmp_path)
    again = dataclasses.replace(made.stages[2], writes=("twice",))
    more = dataclasses.replace(made, stages=(*made.stages[:3], again, *made.stages[3:]))
    assert with_views(more, stages.check(more)).stages == more.stages
