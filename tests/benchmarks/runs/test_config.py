"""The base of all configurations: its key, its plain loss and its checks."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

import pytest

from benchmarks.runs.config import RunConfig
from benchmarks.runs.errors import InputError
from tests.benchmarks.runs.toy import BASE, ToyConfig

HESSIAN = replace(BASE, curvature="hessian", eigenvalues="raw", damping=1.0)


def test_every_choice_is_part_of_the_key() -> None:
    others = [
        replace(HESSIAN, curvature="fisher", eigenvalues=None),
        replace(HESSIAN, eigenvalues="absolute"),
        replace(HESSIAN, damping=None),
        replace(HESSIAN, lr=0.2),
        replace(HESSIAN, batch_size=7),
        replace(HESSIAN, split="validation"),
        replace(HESSIAN, precision="bf16"),
        replace(HESSIAN, shape="square"),
        replace(HESSIAN, steps=7),
    ]
    assert len({config.key for config in [HESSIAN, *others]}) == len(others) + 1
    # Every field is varied above.
    varied = {
        field.name
        for other in others
        for field in fields(ToyConfig)
        if getattr(other, field.name) != getattr(HESSIAN, field.name)
    }
    assert varied == {field.name for field in fields(ToyConfig)}
    assert replace(HESSIAN).key == HESSIAN.key


def test_benchmark_and_version_are_part_of_the_key() -> None:
    @dataclass(frozen=True, kw_only=True)
    class NextVersion(ToyConfig):
        version: ClassVar[int] = 2

    @dataclass(frozen=True, kw_only=True)
    class Other(ToyConfig):
        benchmark: ClassVar[str] = "other"

    assert len({BASE.key, NextVersion().key, Other().key}) == 3


def test_the_name_of_the_benchmark_is_in_the_json_form() -> None:
    @dataclass(frozen=True, kw_only=True)
    class Nameless(ToyConfig):
        benchmark: ClassVar[str] = ""

    assert BASE.asdict()["benchmark"] == "toy"
    assert "benchmark" not in Nameless().asdict()


def test_the_plain_loss_differs_in_the_newton_step_alone() -> None:
    assert HESSIAN.plain() == BASE
    assert not HESSIAN.is_reference
    assert BASE.is_reference


def test_a_family_must_say_how_long_it_trains() -> None:
    with pytest.raises(TypeError, match="total_steps"):
        RunConfig(lr=1.0, batch_size=1)  # type: ignore[abstract]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"curvature": "gauss"},
            "--curvature must be one of none, hessian, fisher, gauss-newton, got gauss",
        ),
        ({"split": "val"}, "--split must be one of train, validation, test, got val"),
        ({"batch_size": 0}, "--batch-size must be at least 1, got 0"),
        ({"lr": 0.0}, "--lr must be finite and above 0, got 0.0"),
        ({"lr": math.nan}, "--lr must be finite and above 0, got nan"),
        ({"lr": math.inf}, "--lr must be finite and above 0, got inf"),
        ({"damping": 1.0}, "--damping needs --curvature hessian, fisher or gauss-newton"),
        ({"curvature": "fisher", "damping": -1.0}, "--damping must be finite and at least 0"),
        ({"curvature": "fisher", "damping": math.nan}, "--damping must be finite and at least 0"),
        ({"curvature": "fisher", "eigenvalues": "raw"}, "--eigenvalues goes with --curvature"),
        ({"curvature": "hessian"}, "--eigenvalues must be one of raw, absolute, clamp, got None"),
    ],
)
def test_bad_values_are_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(BASE, **change)
