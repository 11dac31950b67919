"""Labels, rankings, permutations and seeds."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from newton_optim.testing import strategies
from tests.testing.strategies.examples import example


@given(st.data(), st.integers(1, 5))
def test_permutations_and_rankings_hold_each_number_once(data: st.DataObject, n: int) -> None:
    rows = data.draw(strategies.rankings(n=n))
    assert torch.equal(rows.sort(dim=1).values, torch.arange(n).expand(len(rows), n))


def test_seeds_shrink_to_zero() -> None:
    assert example(strategies.seeds()) == 0
