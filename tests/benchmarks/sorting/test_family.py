"""The sorting family: the runs that it finds again, and its data."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.sorting.config import SortingConfig
from benchmarks.sorting.family import SORTING
from tests.benchmarks.keys import keys_of, preset_digest


@pytest.mark.parametrize(
    ("flags", "keys"),
    [
        (
            {},
            [
                "8b16ddff0ed918f8",
                "f6a9902f1e6360bc",
                "1b6a82d12a0ed634",
                "158610c56c9f3ba5",
            ],
        ),
        ({"data": "mnist"}, ["20558263e35493bc", "1a4b0c415d44e28d", "a2086a2d51e8f4f3"]),
        (
            {"operator": "neuralsort", "n": 10, "curvature": "fisher", "damping": 0.1},
            ["eeceb4e738726f3d", "b52342bd1740659e"],
        ),
        (
            {
                "operator": "odd_even",
                "distribution": "logistic",
                "curvature": "hessian",
                "damping": 1.0,
            },
            ["4b0e4d3a02d82631", "14dfc67a77b77d7a"],
        ),
        (
            {"loss": "exact", "curvature": "hessian", "eigenvalues": "absolute"},
            ["c930caaa8c2e5aec", "717d4dce2eed1f53"],
        ),
        ({"operator": "bitonic", "n": 4, "steepness": 3.0, "steps": 5}, ["bc97566c55987c7f"]),
        ({"clip": 0.5, "lr": 0.01}, ["de727c2b89e0ae67", "22e2259f25d50a38"]),
        ({"temperature": 0.3, "evaluation_sets": 11}, ["2134b77d8146828d"]),
    ],
)
def test_finished_runs_are_found_again(flags: dict[str, Any], keys: list[str]) -> None:
    assert keys_of(SORTING, flags)[: len(keys)] == keys


@pytest.mark.parametrize(
    ("preset", "digest"), [("main", "3904759a20757617"), ("table1", "142c6de46ead3506")]
)
def test_all_keys_of_a_preset_are_what_they_were(preset: str, digest: str) -> None:
    assert preset_digest(SORTING, preset) == digest


def test_the_data_are_the_digits_that_the_runs_name() -> None:
    assert len(SORTING.load([SortingConfig()], None)["test"]) == 360
