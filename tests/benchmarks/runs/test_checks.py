"""Checks of flags: what passes, and what a refusal says."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

from benchmarks.runs.checks import (
    check_choice,
    check_counts,
    check_needed,
    check_positive,
    flag,
)
from benchmarks.runs.errors import InputError


def test_a_field_has_a_flag() -> None:
    assert flag("batch_size") == "--batch-size"


def test_a_choice_is_one_of_the_choices() -> None:
    check_choice("big_size", "a", ("a", "b"))
    with pytest.raises(InputError, match=r"^--big-size must be one of a, b, got c$"):
        check_choice("big_size", "c", ("a", "b"))


@pytest.mark.parametrize("number", [0, -1, math.nan])
def test_counts_are_at_least_1(number: float) -> None:
    check_counts(SimpleNamespace(n=1, m=None), "n", "m")
    with pytest.raises(InputError, match=f"^--n must be at least 1, got {number}$"):
        check_counts(SimpleNamespace(n=number), "n")


@pytest.mark.parametrize("number", [0.0, -1.0, math.nan, math.inf])
def test_positive_numbers_are_finite(number: float) -> None:
    check_positive(SimpleNamespace(x=1e-9, y=None), "x", "y")
    with pytest.raises(InputError, match=f"^--x must be finite and above 0, got {number}$"):
        check_positive(SimpleNamespace(x=number), "x")


def test_a_kind_has_the_numbers_that_it_needs_and_no_others() -> None:
    config = SimpleNamespace(kind="round", radius=1.0, side=None)
    check_needed(config, "kind", ["radius"], ["side"])
    with pytest.raises(InputError, match=r"^--kind round needs --side$"):
        check_needed(config, "kind", ["side"], [])
    with pytest.raises(InputError, match=r"^--radius does not apply to --kind round$"):
        check_needed(config, "kind", [], ["radius"])
