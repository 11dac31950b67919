from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from torch import Tensor

from newton_optim.paths import _grid_shortest_path, grid_shortest_path
from tests.paths.grid_strategies import Grids, grids, uniform
from tests.settings import DEVICE
from tests.strategies import Array

neighbourhoods = st.sampled_from([4, 8])


def adjacent(shape: tuple[int, int], neighbourhood: int) -> Any:
    """Whether two cells, counted row by row, are a move apart."""
    cells = np.stack(np.unravel_index(np.arange(shape[0] * shape[1]), shape), axis=-1)
    distance = np.abs(cells[:, None] - cells[None])
    steps = distance.max(-1) if neighbourhood == 8 else distance.sum(-1)
    return steps == 1


def least_cost(costs: Array, neighbourhood: int, start: int, goal: int) -> float:
    """The cost of a shortest path by SciPy, the costs on the edges into the cells."""
    edges = adjacent(costs.shape, neighbourhood) & np.isfinite(costs.ravel())[None]
    rows, columns = np.nonzero(edges)
    weights = costs.ravel()[columns]
    graph = csr_array((weights, (rows, columns)), shape=edges.shape)
    return float(costs.ravel()[start] + dijkstra(graph, indices=start)[goal])


def assert_shortest(path: Any, costs: Array, neighbourhood: int, start: int, goal: int) -> None:
    """One simple path without a shortcut, from the start to the goal, of the least cost."""
    on_path = np.flatnonzero(path)
    assert {start, goal} <= set(on_path)
    moves = adjacent(costs.shape, neighbourhood)[np.ix_(on_path, on_path)]
    neighbours = dict(zip(on_path, moves.sum(1), strict=True))
    ends = {start, goal} if start != goal else set()
    assert all(count == (1 if cell in ends else 2) for cell, count in neighbours.items() if ends)
    assert np.linalg.matrix_power(np.eye(len(moves)) + moves, len(moves)).all()  # connected
    assert len(on_path) == 1 or start != goal
    scale = costs[np.isfinite(costs)].max(initial=1e-300)
    total = math.fsum(costs.ravel()[on_path] / scale)
    assert total == pytest.approx(
        least_cost(costs / scale, neighbourhood, start, goal), rel=1e-12, abs=0
    )


@settings(max_examples=1_000)
@given(grids(), neighbourhoods)
def test_paths_are_those_of_scipy(case: Grids, neighbourhood: int) -> None:
    costs, start, goal = case
    paths = grid_shortest_path(costs, neighbourhood=neighbourhood, start=start, goal=goal)
    assert (paths.shape, paths.dtype, paths.device) == (costs.shape, torch.bool, costs.device)
    H, W = costs.shape[-2:]
    ends = start[0] * W + start[1], goal[0] * W + goal[1]
    flat = costs.double().cpu().numpy().reshape(-1, H, W)
    for path, grid in zip(paths.cpu().numpy().reshape(-1, H, W), flat, strict=True):
        assert_shortest(path, grid, neighbourhood, *ends)


@given(st.integers(0, 2**32 - 1), neighbourhoods)
def test_a_path_does_not_depend_on_its_batch(seed: int, neighbourhood: int) -> None:
    costs = (4.0 * uniform(seed, 2, 3, 5, 6)).round()
    costs[0, 1] -= costs[0, 1].amin()  # With zeros, among grids without.
    costs[1, 2] = 10.0 ** (10.0 * costs[1, 2])
    paths = grid_shortest_path(costs, neighbourhood=neighbourhood)
    for i in range(2):
        for j in range(3):
            single = grid_shortest_path(costs[i, j], neighbourhood=neighbourhood)
            assert torch.equal(paths[i, j], single)


def test_a_batch_that_is_solved_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    costs = uniform(1, 7, 4, 5)
    paths = grid_shortest_path(costs)
    for cells in (1, 60):
        monkeypatch.setattr(_grid_shortest_path, "CELLS", cells)
        assert torch.equal(grid_shortest_path(costs), paths)


def test_the_corners_are_the_default_and_indices_may_count_from_the_end() -> None:
    costs = uniform(0, 3, 4, 5)
    paths = grid_shortest_path(costs)
    assert paths[:, 0, 0].all()
    assert paths[:, -1, -1].all()
    for start, goal in [((0, 0), (3, 4)), ((-4, -5), (-1, -1)), ([0, 0], [-1, 4])]:
        assert torch.equal(grid_shortest_path(costs, start=start, goal=goal), paths)
    # Not those of a single row or column of the other size.
    assert grid_shortest_path(costs, start=(3, 0), goal=(0, 4))[:, 3, 0].all()


def test_a_known_map() -> None:
    wall = math.inf
    costs = torch.tensor([[1.0, wall, 1.0], [1.0, wall, 1.0], [9.0, 1.0, 5.0]])
    king = torch.tensor([[1, 0, 0], [1, 0, 0], [0, 1, 1]], dtype=torch.bool)
    rook = torch.tensor([[1, 0, 0], [1, 0, 0], [1, 1, 1]], dtype=torch.bool)
    assert torch.equal(grid_shortest_path(costs), king)
    assert torch.equal(grid_shortest_path(costs, neighbourhood=4), rook)


def test_both_ends_count_and_nothing_else_is_added() -> None:
    """Ends that cost a lot change nothing; a move costs nothing of its own."""
    costs = torch.ones(5, 5)
    costs[0, 0] = costs[-1, -1] = 1e30
    assert grid_shortest_path(costs).sum() == 5


@pytest.mark.parametrize("zeros", [0.0, 1e-30])
def test_plateaus_that_the_sum_absorbs_are_crossed(zeros: float) -> None:
    """1e30 + 1e-30 is 1e30: all cells are as far from the start as the goal is."""
    costs = torch.full((1, 30, 30), zeros)
    costs[0, 0, 0] = 1e30
    (path,) = grid_shortest_path(costs)
    assert path.diagonal().all()
    assert path.sum() == 30


def test_differences_below_float32_decide() -> None:
    costs = torch.full((3, 3), 1e6)
    costs[0, 0] = costs[2, 2] = 1.0
    costs[0, 2], costs[2, 0] = 1e-2, 2e-2
    costs[0, 1] = costs[1, 2] = costs[1, 0] = costs[2, 1] = 1e5
    path = grid_shortest_path(costs, neighbourhood=4)
    assert path[0, 2]
    assert not path[2, 0]


def test_sums_near_the_largest_number_are_no_walls() -> None:
    largest = torch.finfo(torch.float64).max
    costs = torch.full((4, 4), largest, dtype=torch.float64)
    assert grid_shortest_path(costs).diagonal().all()
    costs[1, 1] = math.inf
    costs[0, 1] = 0.5 * largest
    path = grid_shortest_path(costs)
    assert path[0, 1]
    assert not path[1, 1]
    assert path.sum() == 5


@given(st.integers(0, 2**32 - 1))
def test_clamped_costs_count_as_zero(seed: int) -> None:
    costs = uniform(seed, 2, 5, 4) - 0.5
    paths = grid_shortest_path(costs, negative="clamp")
    assert torch.equal(paths, grid_shortest_path(costs.clamp(min=0.0)))


def test_costs_are_left_as_they_are_and_have_no_gradient() -> None:
    costs = (uniform(0, 1, 4, 4) - 0.3).requires_grad_()
    before = costs.detach().clone()
    paths = grid_shortest_path(costs, negative="clamp")
    assert torch.equal(costs.detach(), before)
    assert not paths.requires_grad
    gradient = torch.func.grad(lambda c: (c * grid_shortest_path(c.abs())).sum())(before)
    assert torch.equal(gradient != 0, grid_shortest_path(before.abs()))


@pytest.mark.parametrize("shape", [(0, 3, 4), (0, 3, 3, 4), (3, 0, 3, 4)])
def test_an_empty_batch_gives_an_empty_result(shape: tuple[int, ...]) -> None:
    paths = grid_shortest_path(torch.zeros(shape), start=(1, 1), neighbourhood=4)
    assert (paths.shape, paths.dtype) == (shape, torch.bool)


def test_layouts_make_no_difference() -> None:
    costs = uniform(0, 6, 5, 3)
    paths = grid_shortest_path(costs)
    assert torch.equal(grid_shortest_path(costs.mT.contiguous().mT), paths)
    assert torch.equal(grid_shortest_path(costs[::2]), paths[::2])
    assert torch.equal(grid_shortest_path(costs[:1].expand(3, -1, -1)), paths[:1].expand(3, -1, -1))


FLAWED = {"nan": math.nan, "infinite": -math.inf, "negative": -0.5}


@pytest.mark.parametrize(
    ("costs", "options", "error", "message"),
    [
        ([[1.0]], {}, TypeError, "costs must be a tensor, got list"),
        (torch.ones(2, 2, dtype=torch.int64), {}, TypeError, "costs must be a floating-point"),
        (torch.ones(2, 2, dtype=torch.bool), {}, TypeError, "costs must be a floating-point"),
        (torch.ones(2, 2, dtype=torch.complex64), {}, TypeError, "costs must be a floating-point"),
        (torch.ones(()), {}, ValueError, r"costs must have shape \(\.\.\., H, W\)"),
        (torch.ones(4), {}, ValueError, r"H and W of at least 1, got shape \(4,\)"),
        (torch.ones(3, 0, 2), {}, ValueError, r"got shape \(3, 0, 2\)"),
        (torch.ones(0, 2, 0), {}, ValueError, r"got shape \(0, 2, 0\)"),
        (torch.ones(0, 2, 2), {"neighbourhood": 6}, ValueError, "must be 4 or 8, got 6"),
        (torch.ones(0, 2, 2), {"goal": (2, 0)}, ValueError, r"cell of the 2x2 grid, got \(2, 0\)"),
        ("nan", {}, ValueError, "costs must not be NaN"),
        ("nan", {"negative": "clamp"}, ValueError, "costs must not be NaN"),
        ("infinite", {}, ValueError, "costs must be at least 0, got -inf$"),
        ("infinite", {"negative": "clamp"}, ValueError, "costs must be at least 0, got -inf$"),
        ("negative", {}, ValueError, r'at least 0, got -0\.5; negative="clamp" replaces negative'),
        (torch.ones(2, 2), {"neighbourhood": 6}, ValueError, "must be 4 or 8, got 6"),
        (torch.ones(2, 2), {"neighbourhood": 8.0}, TypeError, "neighbourhood must be an integer"),
        (torch.ones(2, 2), {"negative": "zero"}, ValueError, "'raise', 'clamp', got 'zero'"),
        (torch.ones(2, 2), {"negative": None}, TypeError, "negative must be one of"),
        (torch.ones(2, 2), {"start": (2, 0)}, ValueError, r"cell of the 2x2 grid, got \(2, 0\)"),
        (torch.ones(2, 3), {"goal": (0, -4)}, ValueError, "goal must be at least -3, got -4"),
        (torch.ones(2, 2), {"goal": 3}, TypeError, r"pair of integers \(row, column\), got int 3"),
        (torch.ones(2, 2), {"goal": (1, 1, 1)}, TypeError, "goal must be a pair of integers"),
        (torch.ones(2, 2), {"start": (0, 0.5)}, TypeError, "start must be an integer, got float"),
    ],
)
def test_bad_arguments(costs: Any, options: Any, error: type[Exception], message: str) -> None:
    if isinstance(costs, str):  # One bad grid of several.
        flaw, costs = FLAWED[costs], torch.ones(3, 2, 2)
        costs[1, 0, 1] = flaw
    with pytest.raises(error, match=message):
        grid_shortest_path(costs, **options)


@pytest.mark.parametrize("cells", [(0, 0), (2, 2), (slice(None), 1)])
def test_walls_that_leave_no_path_are_refused(cells: Any) -> None:
    costs = torch.ones(2, 3, 3)
    costs[1][cells] = math.inf
    with pytest.raises(ValueError, match=r"leave a path from \(0, 0\) to \(2, 2\)"):
        grid_shortest_path(costs)


def test_vmap_is_refused_with_the_way_out() -> None:
    with pytest.raises(ValueError, match="all leading dimensions of the costs are batch") as info:
        torch.func.vmap(grid_shortest_path)(torch.ones(2, 3, 3))
    assert isinstance(info.value.__cause__, RuntimeError)


def test_the_path_is_on_the_device_of_the_costs() -> None:
    paths: Tensor = grid_shortest_path(uniform(0, 3, 3, dtype=torch.bfloat16))
    assert paths.device.type == DEVICE.type
