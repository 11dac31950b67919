"""The configuration, its hash and its refusals."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from benchmarks._config import Config
from benchmarks._errors import InputError

NETWORK = {"operator": "odd_even", "temperature": None, "distribution": "cauchy", "steepness": 10.0}


def test_every_choice_is_part_of_the_hash() -> None:
    base = Config(n=4, curvature="hessian", eigenvalues="raw", damping=1.0)
    others: list[Config] = [
        replace(base, data="mnist"),
        replace(base, operator="neuralsort"),
        replace(base, temperature=0.2),
        replace(base, **NETWORK),
        replace(base, **{**NETWORK, "distribution": "logistic"}),
        replace(base, **{**NETWORK, "steepness": 11.0}),
        replace(base, n=6),
        replace(base, loss="exact"),
        replace(base, eigenvalues="absolute"),
        replace(base, damping=None),
        replace(base, lr=0.1),
        replace(base, steps=7),
        replace(base, batch_size=7),
        replace(base, split="validation"),
        replace(base, evaluation_sets=7),
        base.plain(),
        replace(base.plain(), clip=1.0),
    ]
    keys = {config.key for config in [base, *others]}
    assert len(keys) == len(others) + 1
    # Every field is varied above.
    varied = {
        field.name
        for other in others
        for field in fields(Config)
        if getattr(other, field.name) != getattr(base, field.name)
    }
    assert varied == {field.name for field in fields(Config)}
    assert replace(base).key == base.key


def test_a_configuration_survives_its_json_form() -> None:
    config = Config(curvature="fisher", damping=1.0)
    assert Config(**config.asdict()) == config


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data": "letters"}, "--data must be one of digits, mnist, got letters"),
        ({"operator": "quick"}, "--operator must be one of"),
        ({"loss": "mse"}, "--loss must be one of"),
        ({"curvature": "gauss"}, "--curvature must be one of"),
        ({"split": "all"}, "--split must be one of"),
        ({"n": 0}, "--n must be at least 1, got 0"),
        ({"steps": -1}, "--steps must be at least 1"),
        ({"batch_size": 0}, "--batch-size must be at least 1"),
        ({"evaluation_sets": 0}, "--evaluation-sets must be at least 1"),
        ({"lr": 0.0}, "--lr must be finite and above 0"),
        ({"lr": float("nan")}, "--lr must be finite and above 0"),
        ({"temperature": float("inf")}, "--temperature must be finite"),
        ({"temperature": None}, "--operator softsort needs --temperature"),
        ({"steepness": 1.0}, "--steepness: the operator softsort has none"),
        ({"distribution": "cauchy"}, "--distribution: the operator softsort has none"),
        ({**NETWORK, "distribution": "uniform"}, "--distribution must be one of"),
        ({**NETWORK, "steepness": None}, "--operator odd_even needs --steepness"),
        ({**NETWORK, "operator": "bitonic"}, "--n must be a power of 2 for bitonic"),
        ({"damping": 1.0}, "--damping needs --curvature"),
        ({"curvature": "fisher", "damping": -1.0}, "--damping must be finite and at least 0"),
        ({"curvature": "fisher", "damping": float("nan")}, "--damping must be finite"),
        ({"curvature": "fisher", "eigenvalues": "raw"}, "--eigenvalues goes with --curvature"),
        ({"curvature": "hessian"}, "--eigenvalues must be one of"),
        ({"curvature": "fisher", "clip": 1.0}, "--clip is a control of the plain loss"),
        ({"clip": 0.0}, "--clip must be finite and above 0"),
    ],
)
def test_bad_values_are_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Config(**change)
