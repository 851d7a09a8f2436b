"""The headline claims of the paper and of its project page, as arithmetic over rows: ours, and the paper's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from bench.results import Row, conditions

METHOD = "agilenn"
DATASETS = ("cifar10", "cifar100", "svhn", "imagenet200")
OPERATING = conditions({"bandwidth_kbps": 6000, "cpu_mhz": 216})
SLOW = conditions({"bandwidth_kbps": 270})  # at 216 MHz
VERDICTS = ("not_comparable", "unmatched")  # of a row that a claim rests on: the claim inherits the first that occurs
Number: TypeAlias = float | None
Find: TypeAlias = Callable[[str, str, str], Number]  # (quantity, data set, method) -> value


@dataclass(frozen=True)
class Quantity:
    """A number of ours (figure, metric, conditions) and the paper's (figure, metric, conditions)."""

    ours: tuple[str, str, str]
    paper: tuple[str, str, str]


QUANTITIES = {
    "total": Quantity(("fig_latency", "total", OPERATING), ("fig16", "total", "")),
    "local": Quantity(("fig_latency", "local", OPERATING), ("fig16", "local", "")),
    "accuracy": Quantity(("fig_latency", "accuracy", OPERATING), ("fig16", "accuracy", "")),
    "saved": Quantity(("table_tx", "tx_reduction_vs_deepcod", ""), ("table2", "tx_reduction_vs_deepcod", "")),
    "energy": Quantity(("fig_energy", "energy", OPERATING), ("fig19", "energy", "")),
    "sram": Quantity(("fig_memory", "sram", ""), ("fig20", "sram", "")),
    "flash": Quantity(("fig_memory", "flash", ""), ("fig20", "flash", "")),
    "slow": Quantity(("fig_bandwidth", "total", SLOW), ("fig23", "total", "bandwidth_kbps=270")),
    "epoch": Quantity(("fig_convergence", "cost_ratio_to_regular", ""), ("", "", "")),
    "skewness": Quantity(
        ("table_training", "achieved_skewness", ""), ("fig21", "achieved_skewness", "rho=0.8;split_ratio=0.2")
    ),
}  # fmt: skip


def times(quantity: str) -> Callable[[Find, str, str], Number]:
    """How many times the comparator's number is AgileNN's."""

    def of(find: Find, dataset: str, against: str) -> Number:
        theirs, own = find(quantity, dataset, against), find(quantity, dataset, METHOD)
        return theirs / own if theirs and own else None

    return of


def plain(quantity: str, scale: float = 1.0) -> Callable[[Find, str, str], Number]:
    """AgileNN's number itself, times a constant."""

    def of(find: Find, dataset: str, against: str) -> Number:
        own = find(quantity, dataset, METHOD)
        return None if own is None else scale * own

    return of


def points(find: Find, dataset: str, against: str) -> Number:
    """By how many points the two accuracies differ."""
    theirs, own = find("accuracy", dataset, against), find("accuracy", dataset, METHOD)
    return None if theirs is None or own is None else abs(theirs - own)


def fewer_bytes(find: Find, dataset: str, against: str) -> Number:
    """How many times DeepCOD's bytes are AgileNN's, from the percentage that is saved."""
    saved = find("saved", dataset, METHOD)
    return None if saved is None else 1 / (1 - saved / 100)


@dataclass(frozen=True)
class Claim:
    """text: in our words, with where it stands. claimed: the number; at_least: whether it is a lower bound."""

    name: str
    text: str
    claimed: float
    unit: str
    of: Callable[[Find, str, str], Number]
    against: tuple[str, ...] = ("",)
    at_least: bool = True
    rests_on: tuple[str, ...] = ("total",)  # quantities of ours
    datasets: tuple[str, ...] = DATASETS

    def holds(self, value: float) -> bool:
        return value >= self.claimed if self.at_least else value <= self.claimed


CLAIMS = (
    Claim("latency_times", "2 to 2.5 times lower latency than other ways to offload (text)", 2.0, "ratio",
          times("total"), ("deepcod", "spinn")),
    Claim("latency_times_max", "up to 6 times lower latency (introduction; project page: more than 6)", 6.0, "ratio",
          times("total"), ("mcunet", "deepcod", "edge_only")),
    Claim("latency", "less than 20 ms on most data sets (text, project page)", 20.0, "ms", plain("total"),
          at_least=False),
    Claim("local_times", "up to 10 times less time on the device (text to Figure 16)", 10.0, "ratio", times("local"),
          ("mcunet", "deepcod", "spinn"), rests_on=("local",)),
    Claim("accuracy_gap", "no method is more than 10 points apart in accuracy (text to Figure 16)", 10.0, "percent",
          points, ("deepcod", "spinn", "edge_only", "mcunet"), at_least=False, rests_on=("accuracy",)),
    Claim("bytes_times", "features compress more than 6 times better (project page; Table 2 has less)", 6.0, "ratio",
          fewer_bytes, ("deepcod",), rests_on=("saved",)),
    Claim("energy_times_offloading", "at least 2.5 times less energy than other offloading (text to Figure 19)", 2.5,
          "ratio", times("energy"), ("deepcod", "spinn"), rests_on=("energy",), datasets=("cifar100", "imagenet200")),
    Claim("energy_times_device", "more than 8 times less energy than MCUNet (text to Figure 19; project page)", 8.0,
          "ratio", times("energy"), ("mcunet",), rests_on=("energy",), datasets=("cifar100", "imagenet200")),
    Claim("memory_times", "1.2 times less memory than MCUNet (introduction)", 1.2, "ratio", times("sram"), ("mcunet",),
          rests_on=("sram",), datasets=("cifar100", "imagenet200")),
    Claim("storage_times", "5 times less storage than MCUNet (introduction)", 5.0, "ratio", times("flash"), ("mcunet",),
          rests_on=("flash",), datasets=("cifar100", "imagenet200")),
    Claim("memory_share", "memory below 20 % of the device's 320 KB (text to Figure 20)", 20.0, "percent",
          plain("sram", 100 / 320), at_least=False, rests_on=("sram",), datasets=("cifar100", "imagenet200")),
    Claim("storage_share", "storage below 20 % of the device's 1 MB (text to Figure 20)", 20.0, "percent",
          plain("flash", 100 / 1024), at_least=False, rests_on=("flash",), datasets=("cifar100", "imagenet200")),
    Claim("slow_link", "100 ms at 270 kbps on CIFAR-100 (text to Figure 23)", 100.0, "ms", plain("slow"),
          at_least=False, rests_on=("slow",), datasets=("cifar100",)),
    Claim("slow_link_svhn", "50 ms at 270 kbps on SVHN (text to Figure 23)", 50.0, "ms", plain("slow"), at_least=False,
          rests_on=("slow",), datasets=("svhn",)),
    Claim("skewness", "importance can be made as skewed as asked, rho = 80 % (Figure 21)", 80.0, "percent",
          plain("skewness"), rests_on=("skewness",), datasets=("cifar100", "svhn")),
    Claim("epoch_times", "an epoch costs 3 to 4 times a regular one (text to Figure 15)", 4.0, "ratio", plain("epoch"),
          at_least=False, rests_on=("epoch",)),
)  # fmt: skip


def paper_finder(values: Mapping[tuple[str, str, str, str, str], float]) -> Find:
    """Over the paper's table: (figure, data set, method, conditions, metric) -> value."""

    def find(quantity: str, dataset: str, method: str) -> Number:
        figure, metric, where = QUANTITIES[quantity].paper
        return values.get((figure, dataset, method, where, metric))

    return find


class Ours:
    """Over our rows under the paper's protocol. find: as Find."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = {row.key: row for row in rows}

    def row(self, quantity: str, dataset: str, method: str) -> Row | None:
        figure, metric, where = QUANTITIES[quantity].ours
        return self._rows.get((figure, dataset, method, "paper", where, metric))

    def find(self, quantity: str, dataset: str, method: str) -> Number:
        row = self.row(quantity, dataset, method)
        return None if row is None else row.value

    def rests(self, claim: Claim, dataset: str, against: str) -> list[Row]:
        """The rows of ours that decide a claim."""
        methods = [METHOD, *([against] if against else [])]
        found = [self.row(quantity, dataset, method) for quantity in claim.rests_on for method in methods]
        return [row for row in found if row is not None]
