"""Every choice of one AgileNN training. A preset is a readable file, presets/NAME.toml; README.md lists what is open.

A preset holds [settings], then [quick] and [full] with what the budget changes, then [quick.DATASET] and [full.DATASET]
with what the data set changes. `base = "NAME"` starts from another preset. "NAME+k=3,rho=0.7" is a preset of which
single settings are others: what sweeps train.
"""

from __future__ import annotations

import dataclasses
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agilenn import references
from bench.errors import BenchError, UnknownName
from bench.training.budget import SERVERS

PRESETS = Path(__file__).parent / "presets"
DEFAULT = "audited"
BUDGETS = ("quick", "full")
CHOICES = {
    "extractor": ("separable", "standard"),
    "selection": ("first", "algorithm1"),
    "rule": ("ends", "midpoint", "interior", "saliency"),
    "baseline": ("zero", "mean"),
    "aggregation": ("channel", "element"),
    "order": ("disorder", "descending", "none"),
    "combination": ("sigmoid", "softmax"),
    "quantizer": ("ema", "published"),
    "reference": tuple(references.BUILDERS),
    "remote": SERVERS,
}
LATER = {"depth": 2, "pretrained": True}  # settings that older checkpoints lack, with what they meant


@dataclass(frozen=True)
class Settings:
    """k of `channels` feature channels stay on the device; the others travel as symbols of `bits` bits."""

    channels: int = 24
    k: int = 5  # split ratio 20 %, Sec 7
    extractor: str = "separable"  # separable convolutions (scripts) or standard ones (text)
    depth: int = 2  # its convolutions; Sec 5 tries 2, 4 and 6
    pretrained: bool = True  # the extractor comes from the first step; False: joint training from scratch (Fig 11)
    selection: str = "first"  # which k channels: the first, or those of Algorithm 1 (Sec 5)
    mapping: bool = False  # a trained 1x1 mapping of channels, folded away afterwards (Sec 5)
    send_all: bool = False  # all channels travel, the first k too

    rule: str = "midpoint"  # of integrated gradients, or "saliency"; see attribution.py
    points: int = 2
    baseline: str = "zero"
    aggregation: str = "channel"  # importance per channel (text) or per element (scripts)
    second_order: bool = True  # differentiate through the attribution's gradient, too
    gate: bool = True  # only samples that the reference network classifies rightly (Sec 3.1)
    attributed: float = 1.0  # share of each batch on which importance is computed

    rho: float = 0.8  # wanted share of importance in the first k channels, Sec 7
    lam: float = 0.3  # weight of the prediction loss against skewness + order, Sec 4.2
    skewness_weight: float = 1.0
    order: str = "disorder"  # Eq 1; or "descending", the strict sort of Fig 9b
    order_weight: float = 1.0
    margin: float = 0.0  # by which the first k must lead in the disorder loss

    local: bool = True  # False: the Local NN has no say
    local_norm: bool = False  # batch norm on the Local NN's logits (scripts)
    local_weight: float = 0.0  # cross-entropy of the Local NN alone, in the prediction loss
    combination: str = "sigmoid"  # alpha = sigmoid(w / T), Sec 3.3; or softmax([w1, w2] / T)
    temperature: float = 6.0  # Fig 8b
    quantizer: str = "ema"
    bits: int = 3

    reference: str = "resnet8"  # see references/
    reference_width: int = 32  # of resnet8
    reference_trained: bool = False  # its own cross-entropy keeps it valid on the moving features
    reference_weight: float = 0.2  # of that cross-entropy
    reference_epochs: int = 20
    reference_rate: float = 0.1  # small for pre-trained ones, or their weights are lost

    remote: str = "mobilenetv2"  # Sec 7; see bench/training/networks.py
    remote_width: float = 1.0
    remote_stages: int = 7  # of MobileNetV2's seven
    remote_head: int = 1280

    epochs: int = 200
    batch: int = 64
    rate: float = 0.1
    decay: float = 5e-4
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        for name, allowed in CHOICES.items():
            if getattr(self, name) not in allowed:
                raise UnknownName(f"AgileNN setting {name}", getattr(self, name), allowed)
        inside = {
            "k": (1 <= self.k < self.channels, f"1 to {self.channels - 1}: a split of the channels"),
            "rho": (0 < self.rho <= 1, "0 < rho <= 1, a share"),
            "lam": (0 < self.lam <= 1, "0 < lam <= 1, a weight"),
            "depth": (self.depth >= 2, "2 or more"),
            "bits": (1 <= self.bits <= 4, "1 to 4 bits per symbol"),
            "points": (self.points >= 1, "1 or more"),
            "epochs": (self.epochs >= 1, "1 or more"),
            "batch": (self.batch >= 1, "1 or more"),
            "reference_epochs": (self.reference_epochs >= 1, "1 or more"),
            "reference_width": (self.reference_width >= 1, "1 or more"),
            "remote_width": (self.remote_width > 0, "more than 0"),
            "remote_stages": (1 <= self.remote_stages <= 7, "1 to 7"),
            "remote_head": (self.remote_head >= 1, "1 or more"),
            "attributed": (0 < self.attributed <= 1, "0 < attributed <= 1, a share"),
            "label_smoothing": (0 <= self.label_smoothing < 1, "0 <= label_smoothing < 1"),
            "temperature": (self.temperature > 0, "more than 0"),
        }
        for name, (good, expected) in inside.items():
            if not good:
                raise BenchError(f"AgileNN setting {name}", expected=expected, got=getattr(self, name))
        for name, value in dataclasses.asdict(self).items():
            if not isinstance(value, (str, bool)) and not 0 <= value < math.inf:
                raise BenchError(f"AgileNN setting {name}", expected="a finite number, 0 or more", got=value)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Settings:
        """Settings from plain data. Raises BenchError for a key that does not exist or a value of another type."""
        kinds = {f.name: type(f.default) for f in dataclasses.fields(cls)}
        if unknown := sorted(set(values) - set(kinds)):
            raise BenchError(f"unknown AgileNN setting {', '.join(unknown)}", expected=f"one of {', '.join(kinds)}")
        for name, value in values.items():
            kind = kinds[name]
            if type(value) is not kind and not (kind is float and type(value) is int):
                raise BenchError(f"AgileNN setting {name}", expected=f"a value of type {kind.__name__}", got=value)
        return cls(**values)

    def identity(self) -> dict[str, Any]:
        """All settings, for the names of checkpoints: of LATER ones only those that say something new."""
        values = dataclasses.asdict(self)
        return {name: value for name, value in values.items() if LATER.get(name) != value}


def presets() -> list[str]:
    """Names of all presets."""
    return sorted(file.stem for file in PRESETS.glob("*.toml"))


def settings_for(dataset: str, budget: str, preset: str = "") -> Settings:
    """The settings of a preset ("": audited) under a budget ("quick" or "full") for a data set.

    What follows a plus sign replaces single settings: "audited+k=3,rho=0.7".
    """
    name, plus, changes = preset.partition("+")
    values = _values(name or DEFAULT, dataset, budget) | (_changes(changes) if plus else {})
    try:
        return Settings.of(values)
    except BenchError as error:
        error.do = f"change the variant +{changes}" if plus else f"change {PRESETS / (name or DEFAULT)}.toml"
        raise


def _changes(text: str) -> dict[str, Any]:
    """ "k=3,rho=0.7" -> values of the settings' types."""
    kinds: dict[str, Any] = {f.name: type(f.default) for f in dataclasses.fields(Settings)}
    values: dict[str, Any] = {}
    for part in text.split(","):
        name, equals, value = part.partition("=")
        if equals and name not in kinds:
            raise UnknownName("AgileNN setting", name, kinds)
        kind = kinds.get(name, str)
        try:
            if not equals:
                raise ValueError
            values[name] = {"true": True, "false": False}[value] if kind is bool else kind(value)
        except (KeyError, ValueError):
            wanted = f"setting=value,setting=value{f' with {name} of type {kind.__name__}' if equals else ''}"
            raise BenchError(
                f"AgileNN variant +{text}", expected=wanted, got=part, do="see agilenn/config.py"
            ) from None
    return values


def _values(preset: str, dataset: str, budget: str, above: tuple[str, ...] = ()) -> dict[str, Any]:
    """What the file says, most general first: its base, [settings], [budget], [budget.DATASET].

    above: the presets that have this one as their base.
    """
    if preset not in presets():
        raise UnknownName("AgileNN preset", preset, presets())
    file = PRESETS / f"{preset}.toml"
    if preset in above:
        raise BenchError(f"{file}: is its own base", got=" -> ".join((*above, preset)), do="choose another base")
    try:
        raw = tomllib.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:  # not TOML, or not even text
        raise BenchError(f"{file}: not TOML ({error})", do="restore the file") from None
    if unknown := sorted(set(raw) - {"about", "base", "settings", *BUDGETS}):
        raise BenchError(f"{file}: unknown key {', '.join(unknown)}", expected="about, base, settings, quick, full")
    values = _values(raw["base"], dataset, budget, (*above, preset)) if "base" in raw else {}
    values |= raw.get("settings", {})
    layer = raw.get(budget, {})
    return values | {k: v for k, v in layer.items() if not isinstance(v, dict)} | layer.get(dataset, {})
