"""The configuration of a sorting run, its key and its refusals."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from benchmarks.runs.errors import InputError
from benchmarks.sorting.config import SortingConfig

NETWORK = {"operator": "odd_even", "temperature": None, "distribution": "cauchy", "steepness": 10.0}


def test_every_choice_is_part_of_the_key() -> None:
    base = SortingConfig(n=4, curvature="hessian", eigenvalues="raw", damping=1.0)
    others = [
        base.plain(),
        replace(base, eigenvalues="absolute"),
        replace(base, damping=None),
        replace(base, lr=0.1),
        replace(base, batch_size=7),
        replace(base, split="validation"),
        replace(base, data="mnist"),
        replace(base, operator="neuralsort"),
        replace(base, temperature=0.2),
        replace(base, **NETWORK),
        replace(base, **{**NETWORK, "distribution": "logistic"}),
        replace(base, **{**NETWORK, "steepness": 11.0}),
        replace(base, n=6),
        replace(base, source="ours"),
        replace(base, source="ours", loss="exact"),
        replace(base, validate_every=7),
        replace(base, validation_sets=7),
        replace(base, steps=7),
        replace(base, evaluation_sets=7),
        replace(base.plain(), clip=1.0),
        replace(base.plain(), normalise=True),
        replace(base, precision="bf16"),
    ]
    assert len({config.key for config in [base, *others]}) == len(others) + 1
    # Every field is varied above.
    varied = {
        field.name
        for other in others
        for field in fields(SortingConfig)
        if getattr(other, field.name) != getattr(base, field.name)
    }
    assert varied == {field.name for field in fields(SortingConfig)}


def test_its_lines_have_no_name_of_a_benchmark() -> None:
    config = SortingConfig(curvature="fisher", damping=1.0)
    assert SortingConfig(**config.asdict()) == config
    assert config.total_steps == config.steps


def test_the_plain_loss_is_not_clipped() -> None:
    clipped = SortingConfig(clip=1.0)
    assert clipped.plain() == SortingConfig()
    assert not clipped.is_reference


def test_tables_refer_to_the_probability_form() -> None:
    assert SortingConfig().is_reference
    assert not SortingConfig(loss="exact", source="ours").is_reference


def test_a_share_of_the_steps_is_validated_as_many_times() -> None:
    scaled = SortingConfig(steps=100_000, validate_every=1_000).scaled(0.05)
    assert (scaled.steps, scaled.validate_every) == (5_000, 50)
    assert SortingConfig().scaled(1e-9).steps == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data": "letters"}, "--data must be one of digits, mnist14, mnist, got letters"),
        ({"operator": "quick"}, "--operator must be one of"),
        ({"loss": "mse"}, "--loss must be one of"),
        ({"curvature": "gauss-newton"}, "--curvature must be one of none, hessian, fisher, got"),
        ({"n": 0}, "--n must be at least 1, got 0"),
        ({"steps": -1}, "--steps must be at least 1"),
        ({"evaluation_sets": 0}, "--evaluation-sets must be at least 1"),
        ({"temperature": float("inf")}, "--temperature must be finite"),
        ({"temperature": None}, "--operator softsort needs --temperature"),
        ({"steepness": 1.0}, "--steepness does not apply to --operator softsort"),
        ({"distribution": "cauchy"}, "--distribution does not apply to --operator softsort"),
        ({**NETWORK, "distribution": "uniform"}, "--distribution must be one of"),
        ({**NETWORK, "steepness": None}, "--operator odd_even needs --steepness"),
        ({**NETWORK, "operator": "bitonic"}, "--n must be a power of 2 for bitonic"),
        ({"damping": 1.0}, "--damping needs --curvature hessian or fisher"),
        ({"curvature": "fisher", "clip": 1.0}, "--clip applies to the plain loss only"),
        ({"curvature": "fisher", "normalise": True}, "--normalise applies to the plain loss"),
        ({"clip": 1.0, "normalise": True}, "--clip and --normalise exclude each other"),
        ({"source": "theirs"}, "--source must be one of field, ours, got theirs"),
        ({"loss": "exact"}, "--loss exact is the library's own: it needs --source ours"),
        (
            {**NETWORK, "distribution": "gaussian", "curvature": "fisher"},
            "--distribution gaussian has no second derivative",
        ),
        ({"validate_every": 0}, "--validate-every must be at least 1"),
        ({"validation_sets": 0}, "--validation-sets must be at least 1"),
        ({"clip": 0.0}, "--clip must be finite and above 0"),
    ],
)
def test_bad_values_are_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        SortingConfig(**change)
