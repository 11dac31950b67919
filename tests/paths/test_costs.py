from __future__ import annotations

import pytest
import torch

from newton_optim.paths._costs import check_grids, prepare_costs


@pytest.mark.parametrize("shape", [(1, 1), (3, 4), (0, 3, 4), (2, 0, 3, 4)])
def test_grids_with_cells_pass(shape: tuple[int, ...]) -> None:
    costs = torch.zeros(shape)
    assert check_grids(costs) is costs


def test_the_batch_goes_last_and_negative_costs_become_zero() -> None:
    costs = torch.tensor([[[1.0, -2.0]], [[3.0, 4.0]]])
    grids, _ = prepare_costs(costs, "clamp")
    assert grids[0].T.tolist() == [[1.0, 0.0], [3.0, 4.0]]


def test_only_grids_that_may_absorb_a_cost_are_marked() -> None:
    costs = torch.tensor([[[1.0, 2.0]], [[1e-30, 1.0]], [[0.0, torch.inf]]])
    assert prepare_costs(costs[:1], "raise")[1] is None
    _, absorbs = prepare_costs(costs, "raise")
    assert absorbs is not None
    assert absorbs.tolist() == [False, True, True]


def test_sums_stay_finite() -> None:
    largest = torch.finfo(torch.float64).max
    grids, _ = prepare_costs(torch.full((1, 3, 3), largest, dtype=torch.float64), "raise")
    assert grids.sum().isfinite()
    assert (grids == grids[0, 0]).all()
