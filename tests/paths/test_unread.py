"""The solver that reads no value, against the one that does."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from newton_optim.paths import _grid_shortest_path, grid_shortest_path
from newton_optim.paths._unread import must_not_read, solve_unread
from tests.integrations.waits import Waits
from tests.paths.grid_strategies import Grids, grids, uniform

neighbourhoods = st.sampled_from([4, 8])


@given(grids(), neighbourhoods)
def test_its_paths_are_those_of_the_other(case: Grids, neighbourhood: int) -> None:
    costs, start, goal = case
    expected = grid_shortest_path(costs, neighbourhood=neighbourhood, start=start, goal=goal)
    H, W = costs.shape[-2:]
    ends = [(row % H, column % W) for row, column in (start, goal)]
    found = solve_unread(costs.reshape(-1, H, W), *ends, neighbourhood, "raise")
    assert torch.equal(found.reshape(costs.shape), expected)


def test_a_grid_that_would_be_refused_has_an_empty_path_and_leaves_the_others_alone() -> None:
    costs = uniform(0, 6, 4, 4) + 0.1
    expected = grid_shortest_path(costs)
    costs[1, 2, 2], costs[2, 0, 3], costs[3, 1, 0] = math.nan, -1.0, -math.inf
    costs[4, 1, :] = math.inf
    found = solve_unread(costs, (0, 0), (3, 3), 8, "raise")
    assert not found[1:5].any()
    assert torch.equal(found[[0, 5]], expected[[0, 5]])
    clamped = solve_unread(costs, (0, 0), (3, 3), 8, "clamp")
    assert torch.equal(clamped[2], grid_shortest_path(costs[2], negative="clamp"))
    assert not clamped[[1, 3, 4]].any()


def test_while_a_graph_is_captured_no_value_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    costs = uniform(0, 3, 5, 6)
    expected = grid_shortest_path(costs)
    assert not must_not_read(costs)
    monkeypatch.setattr(_grid_shortest_path, "must_not_read", lambda costs: True)
    with Waits() as waits:
        found = grid_shortest_path(costs)
    assert not waits.found
    assert torch.equal(found, expected)
