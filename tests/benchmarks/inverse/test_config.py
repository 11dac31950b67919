"""Configurations: what is refused, and what is plain."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from benchmarks.inverse.config import InverseConfig
from benchmarks.runs.errors import InputError
from tests.benchmarks.inverse.settings import ADAPTIVE, CLIPPED, HESSIAN, LEAST_SQUARES, SMALL


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": "moon"}, "--data must be one of decay, ivim"),
        ({"loss": "l3"}, "--loss must be one of squared, prior, got l3"),
        ({"solver": "magic"}, "--solver must be one of"),
        ({"snr": 0.0}, "--snr must be finite and above 0, got 0.0"),
        ({"clip": float("nan")}, "--clip must be finite and above 0, got nan"),
        ({"factor": 0}, "--factor must be at least 1, got 0"),
        ({"evaluation_samples": 0}, "--evaluation-samples must be at least 1, got 0"),
        ({"scope": "sample"}, "--scope needs --curvature"),
        ({"curvature": "fisher"}, "--scope must be one of batch, sample, shared, got None"),
        ({"curvature": "fisher", "scope": "joint"}, "--scope must be one of batch, sample"),
        (
            {"curvature": "fisher", "scope": "batch", "clip": 1.0},
            "--clip goes with the plain loss or",
        ),
        (
            {"curvature": "levenberg-marquardt", "scope": "sample"},
            "--curvature levenberg-marquardt needs --inner-steps",
        ),
        ({"inner_steps": 1}, "--inner-steps needs --curvature levenberg-marquardt"),
        ({"solver": "least-squares", "factor": 2}, "--solver least-squares trains nothing"),
        ({"loss": "prior", "snr": None}, "--loss prior needs noise"),
        ({"loss": "prior", "data": "planar-arm"}, "--loss prior needs noise and a problem"),
    ],
)
def test_what_cannot_be_run_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(SMALL, **changes)


@pytest.mark.parametrize(
    "config", [ADAPTIVE, HESSIAN, CLIPPED, LEAST_SQUARES, replace(SMALL, factor=3)]
)
def test_the_plain_loss_beside_a_run(config: InverseConfig) -> None:
    assert config.plain() == SMALL
    assert not config.is_reference
    assert SMALL.is_reference


def test_the_length_of_a_run() -> None:
    assert replace(SMALL, factor=3).total_steps == 24
    assert LEAST_SQUARES.total_steps == SMALL.evaluation_samples
    assert SMALL.scaled(0.5).steps == 4


def test_every_choice_is_part_of_the_key() -> None:
    keys = {one.key for one in (SMALL, ADAPTIVE, HESSIAN, CLIPPED, replace(SMALL, snr=50.0))}
    assert len(keys) == 5
