"""Names -> code. A new method or target is one line here; third parties use an entry point (see README)."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from bench.errors import BenchError, UnknownName

METHODS = {
    "agilenn": "agilenn.method:AgileNN",
    "deepcod": "baselines.deepcod.method:DeepCOD",
    "edge_only": "baselines.edge_only.method:EdgeOnly",
    "mcunet": "baselines.mcunet.method:MCUNet",
    "spinn": "baselines.spinn.method:Spinn",
}
BENCHMARKS = {  # of methods; each a function without arguments -> rows (metric, value, unit)
    "training_step": "agilenn.benchmark.training_step:measure",
}
COMMANDS = {
    "list": "bench.targets:ListTargets",
    "doctor": "bench.doctor:Doctor",
    "data": "bench.download:Download",
    "train": "bench.train:Train",
    "test": "bench.check:Check",
    "plot": "bench.plot:Plot",
    "all": "bench.everything:All",
    "report": "bench.report.report:Report",
    "compare": "bench.compare.compare:Compare",
    "board": "bench.boards.run:BoardRun",
    "bench": "bench.benchmarks:Bench",
    "profile": "bench.profile:ProfileCommand",
    "fig_latency": "bench.figures.fig_latency:FigLatency",
    "energy": "bench.metering:Energy",
    "fig_energy": "bench.figures.fig_energy:FigEnergy",
    "fig_cpu": "bench.figures.fig_cpu:FigCpu",
    "fig_bandwidth": "bench.figures.fig_bandwidth:FigBandwidth",
    "fig_grid": "bench.figures.fig_grid:FigGrid",
    "fig_deadline": "bench.figures.fig_deadline:FigDeadline",
    "fig_loss": "bench.figures.fig_loss:FigLoss",
    "table_tx": "bench.figures.table_tx:TableTx",
    "fig_compression": "bench.figures.fig_compression:FigCompression",
    "fig_memory": "bench.figures.fig_memory:FigMemory",
    "fig_audit": "bench.figures.fig_audit:FigAudit",
    "fig_shift": "bench.figures.fig_shift:FigShift",
    "fig_attribution": "bench.figures.fig_attribution:FigAttribution",
    "table_training": "bench.figures.table_training:TableTraining",
    "fig_convergence": "bench.figures.fig_convergence:FigConvergence",
    "fig_reweight": "bench.figures.fig_reweight:FigReweight",
    "fig_skew_cdf": "bench.figures.fig_skew_cdf:FigSkewCdf",
    "table_claims": "bench.figures.table_claims:TableClaims",
    "fig_ablation": "bench.figures.fig_ablation:FigAblation",
    "fig_skewness": "bench.figures.fig_skewness:FigSkewness",
    "fig_xai": "bench.figures.fig_xai:FigXai",
    "fig_lambda": "bench.figures.fig_lambda:FigLambda",
    "fig_bits": "bench.figures.fig_bits:FigBits",
    "fig_temperature": "bench.figures.fig_temperature:FigTemperature",
    "fig_ordering": "bench.figures.fig_ordering:FigOrdering",
    "fig_preprocess": "bench.figures.fig_preprocess:FigPreprocess",
    "fig_sensitivity": "bench.figures.fig_sensitivity:FigSensitivity",
}


def find(kind: str, name: str, table: dict[str, str]) -> Any:
    """What `table` (or the entry-point group "agilenn_bench.KIND") holds under `name`; raises UnknownName."""
    known = table if name in table else everything(kind, table)
    if name not in known:
        raise UnknownName(kind, name, known)
    module, _, attribute = known[name].partition(":")
    try:
        return getattr(import_module(module), attribute)
    except Exception as error:  # a third party's module can fail in any way
        if name in table:
            raise
        raise _unfit(kind, name, f"{type(error).__name__}: {error}") from None


def everything(kind: str, table: dict[str, str]) -> dict[str, str]:
    """All that `find` finds: third parties' names, then `table`, which they cannot overrule."""
    return table | {e.name: e.value for e in entry_points(group=f"agilenn_bench.{kind}") if e.name not in table}


def method(name: str) -> Any:
    """A Method by its bare name ("agilenn:text" -> agilenn). UnknownName, too, where nothing follows the colon."""
    bare, colon, variant = name.partition(":")
    return _made("method", name if colon and not variant else bare, METHODS, ("name", "stages", "train"))


def benchmark(name: str) -> Any:
    return find("benchmark", name, BENCHMARKS)


def command(name: str) -> Any:
    return _made("target", name, COMMANDS, ("claim", "figure", "minutes", "disk", "arguments", "run"))


def _made(kind: str, name: str, table: dict[str, str], needed: Sequence[str]) -> Any:
    """An instance of what `find` finds. Raises BenchError for a third party's that lacks one of `needed`."""
    found = find(kind, name, table)
    if name in table:
        return found()
    try:
        made = found()
    except Exception as error:
        raise _unfit(kind, name, f"{type(error).__name__}: {error}") from None
    if missing := [attribute for attribute in needed if not hasattr(made, attribute)]:
        raise _unfit(kind, name, f"one without {', '.join(missing)}")
    return made


def _unfit(kind: str, name: str, got: str) -> BenchError:
    """The error about a third party's entry point."""
    problem = f"{kind} {name!r}: its entry point {everything(kind, {})[name]} is of no use"
    do = f"correct or remove the package that registers it in agilenn_bench.{kind}"
    return BenchError(problem, expected=f"a {kind}", got=" ".join(got.split()), do=do)
