"""Names of what is done to a loss."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from benchmarks.runs.names import curvature_name, rate_suffix, treatment
from tests.benchmarks.runs.toy import BASE


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({}, "plain"),
        ({"curvature": "fisher"}, "NL (Fisher)"),
        ({"curvature": "gauss-newton", "damping": 1000.0}, "NL (Gauss-Newton), λ=1000"),
        (
            {"curvature": "hessian", "eigenvalues": "raw", "damping": 0.1},
            "NL (Hessian), raw, λ=0.1",
        ),
    ],
)
def test_treatments(change: dict[str, Any], name: str) -> None:
    assert treatment(replace(BASE, **change)) == name


def test_a_rate_is_named_where_it_differs() -> None:
    assert rate_suffix(BASE, BASE) == ""
    assert rate_suffix(replace(BASE, lr=2e-3), BASE) == ", rate 0.002"


def test_curvatures_are_written_as_in_prose() -> None:
    names = [curvature_name(name) for name in ("hessian", "fisher", "gauss-newton")]
    assert names == ["Hessian", "Fisher", "Gauss-Newton"]
