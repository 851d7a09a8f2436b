"""Settings and presets: readable files, nothing unknown in them."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from agilenn import config
from agilenn.config import BUDGETS, Settings, presets, settings_for
from bench.cli import main
from bench.errors import BenchError
from bench.training import budget as rule

DATASETS = ["digits", "cifar10", "cifar100", "svhn_grey", "imagenet200", "other"]
ABLATIONS = {
    "no_skewness": {"skewness_weight": 0.0}, "no_disorder": {"order": "none"}, "no_gating": {"gate": False},
    "no_xai": {"skewness_weight": 0.0, "order": "none"}, "no_mapping": {"mapping": False},
    "no_local": {"local": False, "local_weight": 0.0}, "all_sent": {"send_all": True},
}  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {"k": 0}, {"k": 24}, {"rho": 0.0}, {"rho": 1.2}, {"bits": 5}, {"lam": 0}, {"roh": 0.8}, {"k": 5.0}, {"gate": 1},
        {"quantizer": "best"}, {"points": 0}, {"attributed": 0}, {"label_smoothing": 1.0}, {"temperature": 0},
        {"epochs": 0}, {"batch": 0}, {"depth": 1}, {"reference_epochs": 0}, {"reference_width": 0},
        {"rate": -0.1}, {"decay": float("nan")}, {"margin": float("inf")},
        {"remote": "foo"}, {"reference": "foo"}, {"remote_stages": 8}, {"remote_width": 0.0}, {"remote_head": 0},
    ],
)  # fmt: skip
def test_settings_refuse_what_makes_no_sense(wrong: dict[str, Any]) -> None:
    with pytest.raises(BenchError, match=next(iter(wrong))):
        Settings.of(wrong)


@pytest.mark.parametrize("preset", presets())
def test_every_preset_is_sound_under_every_budget(preset: str) -> None:
    for budget in BUDGETS:
        for dataset in ("digits", "cifar10", "imagenet200"):
            assert settings_for(dataset, budget, preset).k == 5
    assert settings_for("cifar10", "full", preset).epochs == 200


def test_presets_say_what_they_are_named_for() -> None:
    text, scripts, audited = (settings_for("cifar100", "full", name) for name in ("text", "scripts", "audited"))
    assert (text.extractor, text.gate, text.mapping, text.aggregation, text.combination) == (
        "standard", True, True, "channel", "sigmoid",
    )  # fmt: skip
    assert 0.2 <= text.lam <= 0.4 and 4 <= text.temperature <= 8 and text.remote == "mobilenetv2"
    assert (scripts.extractor, scripts.gate, scripts.mapping, scripts.aggregation, scripts.combination) == (
        "separable", False, False, "element", "softmax",
    )  # fmt: skip
    assert (scripts.rule, scripts.lam, scripts.temperature, scripts.quantizer) == ("ends", 0.8, 1.0, "published")
    assert text.second_order and scripts.second_order and audited == settings_for("cifar100", "full")


@pytest.mark.parametrize("preset", ABLATIONS)
def test_an_ablation_is_the_default_but_for_what_it_takes_away(preset: str) -> None:
    whole, ablated = (dataclasses.asdict(settings_for("digits", "quick", name)) for name in ("audited", preset))
    assert {k: v for k, v in ablated.items() if whole[k] != v} == ABLATIONS[preset]


def test_a_variant_may_replace_single_settings() -> None:
    base = settings_for("digits", "quick", "audited")
    found = settings_for("digits", "quick", "audited+k=3,rho=0.7,mapping=false,rule=saliency")
    assert found == dataclasses.replace(base, k=3, rho=0.7, mapping=False, rule="saliency")
    for wrong in ("audited+", "audited+k", "audited+k=x", "audited+k=3,", "text+gate=maybe"):
        with pytest.raises(BenchError, match="setting=value"):
            settings_for("digits", "quick", wrong)
    with pytest.raises(BenchError, match=r"unknown AgileNN setting 'roh'; expected one of .*, rho, "):
        settings_for("digits", "quick", "+roh=3")
    with pytest.raises(BenchError, match=r"rho; expected 0 < rho <= 1.*; got 1\.5; change the variant \+rho=1\.5$"):
        settings_for("digits", "quick", "audited+rho=1.5")


def test_settings_that_came_later_name_no_old_checkpoint_anew() -> None:
    base = settings_for("digits", "quick")
    assert not {"depth", "pretrained"} & set(base.identity())
    assert dataclasses.replace(base, depth=4).identity() == {**base.identity(), "depth": 4}


def test_unknown_presets_and_keys_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "--method", "agilenn:txt", "--dataset", "digits"]) == 2
    assert "unknown AgileNN preset 'txt'" in capsys.readouterr().err
    assert main(["train", "--method", "agilenn:", "--dataset", "digits"]) == 2
    assert "unknown method 'agilenn:'" in capsys.readouterr().err
    assert main(["train", "--method", "edge_only:text", "--dataset", "digits"]) == 2
    assert "unknown variant of edge_only 'text'" in capsys.readouterr().err
    monkeypatch.setattr(config, "PRESETS", tmp_path)
    for content, message in (
        ("[settings]\nlambda = 0.3", r"unknown AgileNN setting lambda; expected one of .*; change .*/audited\.toml$"),
        ("[settings]\nk = 24", r"setting k; expected 1 to 23: .*; got 24; change .*/audited\.toml$"),
        ("[setting]\nlam = 0.3", "unknown key setting"),
        ("[settings\n", "not TOML"),
        ('base = "audit"', "unknown AgileNN preset 'audit'"),
        ('base = "audited"', "is its own base; got audited -> audited"),
    ):
        (tmp_path / "audited.toml").write_text(content)
        with pytest.raises(BenchError, match=message):
            settings_for("digits", "quick")


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("preset", ["text", "scripts"])
def test_the_published_presets_train_as_long_as_the_default(preset: str, dataset: str) -> None:
    settings, default = settings_for(dataset, "quick", preset), settings_for(dataset, "quick")
    assert (settings.epochs, settings.reference_epochs) == (default.epochs, default.reference_epochs)
    assert (settings.decay, settings.remote) == (default.decay, default.remote)


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_default_preset_keeps_to_the_budget_rule(dataset: str) -> None:
    settings, plan = settings_for(dataset, "quick"), rule.plan(dataset, "quick")
    assert (settings.epochs, settings.batch, settings.rate, settings.decay) == dataclasses.astuple(plan)
    assert settings.label_smoothing == rule.SMOOTHING
    server = {"network": settings.remote, "width": settings.remote_width, "stages": settings.remote_stages}
    assert {**server, "head": settings.remote_head} == rule.server(dataset, "quick")
