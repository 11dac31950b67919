from __future__ import annotations

import math

import pytest
import torch

from newton_optim.paths._distances import find_distances
from tests.paths.grid_strategies import uniform


@pytest.mark.parametrize("neighbourhood", [4, 8])
@pytest.mark.parametrize("start", [(0, 0), (2, 1), (3, 4)])
def test_no_cell_can_be_reached_sooner(neighbourhood: int, start: tuple[int, int]) -> None:
    """Bellman's equation, and a border that is infinitely far."""
    costs = uniform(0, 3, 4, 5).double().permute(1, 2, 0)
    distances, arrivals = find_distances(costs, start, neighbourhood, None)
    assert arrivals is None
    for i in range(4):
        for j in range(5):
            around = distances[i : i + 3, j : j + 3].clone()
            around[1, 1] = math.inf
            if neighbourhood == 4:
                around[::2, ::2] = math.inf
            nearest = around.flatten(0, 1).amin(0)
            expected = costs[i, j] + (0.0 if (i, j) == start else nearest)
            torch.testing.assert_close(distances[i + 1, j + 1], expected)
    border = distances.clone()
    border[1:-1, 1:-1] = math.inf
    assert (border == math.inf).all()


def test_arrivals_order_the_cells_of_a_plateau() -> None:
    costs = torch.zeros(1, 4, 2, dtype=torch.float64)
    costs[..., 0] = 1.0
    distances, arrivals = find_distances(costs, (0, 0), 8, torch.tensor([False, True]))
    assert not distances[1, 1:-1, 1].any()
    assert arrivals is not None
    assert arrivals[1, 2:-1, 1].tolist() == [1.0, 2.0, 3.0]
    assert not arrivals[1, 2:-1, 0].any()
