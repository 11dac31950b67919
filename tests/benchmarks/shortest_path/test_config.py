"""The configuration of a shortest-path run, its key, its schedule and its refusals."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import Any

import pytest

from benchmarks.runs.errors import InputError
from benchmarks.shortest_path.config import LOSSES, RELAXED, PathConfig

RELAXATION = {"loss": "for-l2", "steepness": 10.0, "sigma": None, "samples": None}


def test_every_choice_is_part_of_the_key() -> None:
    base = PathConfig(curvature="hessian", eigenvalues="raw", damping=1.0)
    others: list[PathConfig] = [
        replace(base, data="warcraft"),
        replace(base, network="resnet"),
        replace(base, maps=7),
        replace(base, loss="smoothed-loss"),
        replace(base, **RELAXATION),
        replace(base, **{**RELAXATION, "steepness": 11.0}),
        replace(base, sigma=0.2),
        replace(base, samples=3),
        replace(base, eigenvalues="absolute"),
        replace(base, damping=None),
        replace(base, lr=0.1),
        replace(base, epochs=7),
        replace(base, batch_size=7),
        replace(base, split="validation"),
        replace(base, precision="tf32"),
        replace(base, evaluation_maps=7),
        base.plain(),
    ]
    assert len({config.key for config in [base, *others]}) == len(others) + 1
    # Every field is varied above.
    varied = {
        field.name
        for other in others
        for field in fields(PathConfig)
        if getattr(other, field.name) != getattr(base, field.name)
    }
    assert varied == {field.name for field in fields(PathConfig)}


def test_a_configuration_survives_its_json_form() -> None:
    config = PathConfig(curvature="fisher", damping=1.0)
    values = config.asdict()
    assert values.pop("benchmark") == "shortest_path"
    assert PathConfig(**values) == config


def test_the_new_first_layer_of_the_resnet_has_another_key() -> None:
    assert (PathConfig().key_version, PathConfig(network="resnet").key_version) == (1, 2)


def test_the_rate_falls_twice_by_ten() -> None:
    config = PathConfig(lr=1.0, epochs=50)  # After epochs 30 and 40, as in the paper.
    rates = [config.rate(epoch) for epoch in range(50)]
    assert rates == pytest.approx([1.0] * 30 + [0.1] * 10 + [0.01] * 10)
    assert PathConfig(lr=1.0, epochs=1).rate(0) == 1.0


def test_the_last_batch_of_an_epoch_may_be_smaller() -> None:
    assert PathConfig(maps=41, batch_size=20, epochs=3).total_steps == 9
    assert PathConfig(maps=40, batch_size=20, epochs=3).total_steps == 6


def test_which_losses_are_composed() -> None:
    composed = {*RELAXED, "smoothed-algorithm"}
    for loss in LOSSES:
        strength = RELAXATION if loss in RELAXED else {}
        assert PathConfig(**{**strength, "loss": loss}).is_composed == (loss in composed)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data": "moon"}, "--data must be one of terrain, warcraft, got moon"),
        ({"network": "vgg"}, "--network must be one of tiles, resnet, got vgg"),
        ({"loss": "l1"}, "--loss must be one of"),
        ({"curvature": "newton"}, "--curvature must be one of"),
        ({"maps": 0}, "--maps must be at least 1, got 0"),
        ({"samples": 0}, "--samples must be at least 1, got 0"),
        ({"epochs": -1}, "--epochs must be at least 1"),
        ({"evaluation_maps": 0}, "--evaluation-maps must be at least 1"),
        ({"sigma": 0.0}, "--sigma must be finite and above 0"),
        ({**RELAXATION, "steepness": math.inf}, "--steepness must be finite"),
        ({"sigma": None}, "--loss fenchel-young needs --sigma"),
        ({"samples": None}, "--loss fenchel-young needs --samples"),
        ({"steepness": 1.0}, "--steepness does not apply to --loss fenchel-young"),
        ({**RELAXATION, "steepness": None}, "--loss for-l2 needs --steepness"),
        ({**RELAXATION, "sigma": 0.1}, "--sigma does not apply to --loss for-l2"),
        ({**RELAXATION, "samples": 3}, "--samples does not apply to --loss for-l2"),
        ({"damping": 1.0}, "--damping needs --curvature hessian, fisher or gauss-newton"),
        ({"curvature": "gauss-newton"}, "gauss-newton needs a loss of an algorithm's result"),
        (
            {"curvature": "hessian", "eigenvalues": "raw", "samples": 1},
            "fenchel-young needs --samples of 2 or more",
        ),
    ],
)
def test_bad_values_are_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        PathConfig(**change)
