"""The paper's strength of each operator."""

from __future__ import annotations

import pytest

from benchmarks.sorting.config import SortingConfig
from benchmarks.sorting.operators import with_operator


@pytest.mark.parametrize(
    ("operator", "distribution", "n", "strength"),
    [
        ("neuralsort", None, 5, (1.0, None, None)),
        ("softsort", None, 10, (0.1, None, None)),
        ("odd_even", "logistic", 10, (None, "logistic", 10.0)),
        ("odd_even", "cauchy", 5, (None, "cauchy", 10.0)),
        ("odd_even", None, 10, (None, "cauchy", 100.0)),
        ("odd_even", "cauchy", 15, (None, "cauchy", 100.0)),
    ],
)
def test_strengths(
    operator: str, distribution: str | None, n: int, strength: tuple[object, ...]
) -> None:
    config = with_operator(SortingConfig(), operator, distribution, n)
    assert (config.operator, config.n) == (operator, n)
    assert (config.temperature, config.distribution, config.steepness) == strength
