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
                "c5a4e85f29855e2c",
                "cc6609ec2015b572",
                "0cd4b6e60f17d5d9",
                "8ebff4e661249223",
            ],
        ),
        ({"data": "mnist"}, ["c360fcfdf1e7d71d", "a4f79f0dac803fd2", "5af01a8124b136c7"]),
        (
            {"operator": "neuralsort", "n": 10, "curvature": "fisher", "damping": 0.1},
            ["b97794709faf14a1", "b19aee8f2c500977"],
        ),
        (
            {
                "operator": "odd_even",
                "distribution": "logistic",
                "curvature": "hessian",
                "damping": 1.0,
            },
            ["b67fe638ee4209cf", "9b7682507605dc86"],
        ),
        (
            {"loss": "exact", "curvature": "hessian", "eigenvalues": "absolute"},
            ["2ccdcea2c952440d", "e984b3fad4e6261c"],
        ),
        ({"operator": "bitonic", "n": 4, "steepness": 3.0, "steps": 5}, ["3a84eb2ebc66a056"]),
        ({"clip": 0.5, "lr": 0.01}, ["c41e273a764d6d10", "1d6b00892a82d1cb"]),
        ({"temperature": 0.3, "evaluation_sets": 11}, ["be1ead22a4ffd7f6"]),
    ],
)
def test_finished_runs_are_found_again(flags: dict[str, Any], keys: list[str]) -> None:
    assert keys_of(SORTING, flags)[: len(keys)] == keys


@pytest.mark.parametrize(
    ("preset", "digest"), [("main", "f86ffb8ef5afd811"), ("table1", "573e7900b143f39c")]
)
def test_all_keys_of_a_preset_are_what_they_were(preset: str, digest: str) -> None:
    assert preset_digest(SORTING, preset) == digest


def test_the_data_are_the_digits_that_the_runs_name() -> None:
    assert len(SORTING.load([SortingConfig()], None)["test"]) == 360
