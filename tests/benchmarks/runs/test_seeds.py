"""From ``--seeds`` to seeds."""

from __future__ import annotations

import pytest

from benchmarks.runs.errors import InputError
from benchmarks.runs.scale import Scale
from benchmarks.runs.seeds import parse_seeds, plan_seeds
from tests.benchmarks.runs.toy import TOY


@pytest.mark.parametrize(
    ("text", "expected"), [("0-3", [0, 1, 2, 3]), ("5", [5]), ("0,2, 7-8", [0, 2, 7, 8])]
)
def test_seeds(text: str, expected: list[int]) -> None:
    assert parse_seeds(text) == expected
    assert plan_seeds(TOY, "large", text, tune=True) == expected


def test_presets_and_tuning_have_their_own() -> None:
    assert plan_seeds(TOY, None, None, tune=False) == [0, 1]
    assert plan_seeds(TOY, "large", None, tune=False) == list(range(10))
    assert plan_seeds(TOY, "large", None, tune=True) == [100]
    assert plan_seeds(TOY, None, None, tune=True) == [100, 101]


def test_a_scale_takes_the_first_seeds_of_a_preset() -> None:
    scale = Scale(seeds=0.25)
    assert plan_seeds(TOY, "large", None, tune=False, scale=scale) == [0, 1, 2]
    assert plan_seeds(TOY, "large", "4,7", tune=False, scale=scale) == [4, 7]


@pytest.mark.parametrize("text", ["", "a", "3-", "-3", "3-1", "1,1", "0-99999", "1;2", "1.5"])
def test_bad_seeds_are_named(text: str) -> None:
    with pytest.raises(InputError, match="--seeds must"):
        parse_seeds(text)
