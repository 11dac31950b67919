"""The exact shortest paths of a batch of grids."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from newton_optim._checks import check_choice, check_integer, describe
from newton_optim.paths._costs import check_grids, prepare_costs
from newton_optim.paths._distances import Cell, find_distances
from newton_optim.paths._trace import trace_back
from newton_optim.paths._unread import must_not_read, solve_unread

CELLS = 120_000  # At once, on a CPU: more of them would leave its caches.


def grid_shortest_path(
    costs: Tensor,
    *,
    neighbourhood: int = 8,
    negative: str = "raise",
    start: Cell = (0, 0),
    goal: Cell = (-1, -1),
) -> Tensor:
    r"""The cells of a path of least cost through every grid, exactly.

    .. math:: d_v = c_v + \min_{u \sim v} d_u, \qquad d_\mathrm{start} = c_\mathrm{start}

    The costs are those of the cells, and both ends count. The distances `d` of all grids are
    updated together until nothing changes (`Bellman and Ford's algorithm
    <https://en.wikipedia.org/wiki/Bellman–Ford_algorithm>`_), then followed back from the goal.
    They are sums in float64 (in float32 where the device has no float64), whatever the dtype of the
    costs. If several paths have the same cost, one of them is returned, always the same.

    There is no gradient: the costs are detached. When to stop depends on the values, so the host
    waits for the device; this is also why the values are checked on every device. While a CUDA
    graph is captured nothing can be read: all rounds are run that a grid may need, and the path of
    a grid that would be refused is empty.

    Args:
        costs: of the cells, floating-point, shape `(..., H, W)`; all leading dimensions are batch.
            0 is allowed, infinity is a wall.
        neighbourhood: 8 for moves to all cells around one, 4 for moves along rows and columns only.
        negative: ``"raise"`` refuses negative costs, ``"clamp"`` replaces them by 0.
        start: row and column of the first cell; negative ones count from the end.
        goal: the same for the last cell.

    Returns:
        Whether a cell is on the path, bool, shape `(..., H, W)`. An empty batch gives an empty
        result.

    Raises:
        TypeError: if the costs are not a floating-point tensor, or an option is of the wrong kind.
        ValueError: if a cost is NaN, -infinity or negative (and not clamped), if the grids have
            no cells, if walls leave no path, if an option has a wrong value, or under
            ``torch.func.vmap``.
    """
    check_grids(costs)
    if check_integer("neighbourhood", neighbourhood) not in {4, 8}:
        raise ValueError(f"neighbourhood must be 4 or 8, got {neighbourhood}")
    check_choice("negative", negative, ("raise", "clamp"))
    ends = _cell("start", start, costs.shape), _cell("goal", goal, costs.shape)
    if costs.numel() == 0:
        return torch.zeros_like(costs, dtype=torch.bool)
    grids = costs.detach().reshape(-1, *costs.shape[-2:])
    at_once = max(1, CELLS // grids[0].numel()) if costs.device.type == "cpu" else len(grids)
    paths = [_solve(part, *ends, neighbourhood, negative) for part in grids.split(at_once)]
    return torch.cat(paths).reshape(costs.shape)


def _solve(costs: Tensor, start: Cell, goal: Cell, neighbourhood: int, negative: str) -> Tensor:
    """The paths through grids `(batch, H, W)`, all at once."""
    if must_not_read(costs):
        return solve_unread(costs, start, goal, neighbourhood, negative)
    grids, absorbs = prepare_costs(costs, negative)
    distances, arrivals = find_distances(grids, start, neighbourhood, absorbs)
    return trace_back(distances, arrivals, start, goal, neighbourhood)


def _cell(name: str, cell: Any, shape: torch.Size) -> Cell:
    """Row and column from the top left."""
    if not isinstance(cell, (tuple, list)) or len(cell) != 2:
        raise TypeError(f"{name} must be a pair of integers (row, column), got {describe(cell)}")
    sizes = shape[-2:]
    indices = [check_integer(name, index, minimum=-sizes[k]) for k, index in enumerate(cell)]
    if any(index >= size for index, size in zip(indices, sizes, strict=True)):
        raise ValueError(f"{name} must be a cell of the {sizes[0]}x{sizes[1]} grid, got {cell}")
    return indices[0] % sizes[0], indices[1] % sizes[1]
