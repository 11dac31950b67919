"""Costs on grids, with zeros, ties and large numbers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from torch import Tensor

from newton_optim.testing import strategies
from tests.testing.strategies.examples import example


@given(strategies.grid_costs(height=(1, 4), width=3), strategies.grid_costs(positive=True))
def test_grid_costs(costs: Tensor, positive: Tensor) -> None:
    assert costs.shape[2] == 3
    assert costs.shape[1] <= 4
    assert costs.min() >= 0
    assert positive.min() >= 1


@pytest.mark.parametrize(
    "has", [lambda c: (c == 0).any(), lambda c: len(c.unique()) < c.numel(), lambda c: c.max() > 3]
)
def test_grid_costs_have_zeros_ties_and_large_numbers(has: Any) -> None:
    grid = strategies.grid_costs(height=2, width=2, samples=1)
    assert has(example(grid, lambda costs: bool(has(costs))))
