"""The exact shortest paths of a batch of grids, by relaxation with all grids side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from newton_optim._checks import check_choice, check_float_tensor, check_integer, describe
from newton_optim._precision import to_widest

Cell = tuple[int, int]

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
    relaxed together until nothing changes (`Bellman and Ford's algorithm
    <https://en.wikipedia.org/wiki/Bellman–Ford_algorithm>`_), then followed back from the goal.
    They are sums in float64 (in float32 where the device has no float64), whatever the dtype of the
    costs. Of several paths of the same cost one is found, always the same.

    There is no gradient: the costs are detached. When to stop depends on the values, so the host
    waits for the device; this is also why the values are checked on every device.

    Args:
        costs: of the cells, floating-point, shape `(..., H, W)`; all leading dimensions are batch.
            0 is allowed, infinity is a wall.
        neighbourhood: 8 for the moves of a king in chess, 4 for moves along rows and columns only.
        negative: what becomes of negative costs: ``"raise"`` refuses them, ``"clamp"`` takes them
            for 0.
        start: row and column of the first cell; negative ones count from the end.
        goal: the same of the last cell.

    Returns:
        Whether a cell is on the path, bool, shape `(..., H, W)`.

    Raises:
        TypeError: if the costs are not a floating-point tensor, or an option is of the wrong kind.
        ValueError: if the costs are NaN, -infinity, negative (and not clamped), empty or of less
            than two dimensions, if no path without a wall is left, if an option has a wrong value,
            or under `torch.func.vmap`.
    """
    check_float_tensor("costs", costs)
    if check_integer("neighbourhood", neighbourhood) not in {4, 8}:
        raise ValueError(f"neighbourhood must be 4 or 8, got {neighbourhood}")
    check_choice("negative", negative, ("raise", "clamp"))
    if costs.ndim < 2 or costs.numel() == 0:
        raise ValueError(
            f"costs must have shape (..., H, W) and not be empty, got shape {tuple(costs.shape)}"
        )
    ends = _cell("start", start, costs.shape), _cell("goal", goal, costs.shape)
    grids = costs.detach().reshape(-1, *costs.shape[-2:])
    at_once = max(1, CELLS // grids[0].numel()) if costs.device.type == "cpu" else len(grids)
    paths = [_solve(part, *ends, neighbourhood, negative) for part in grids.split(at_once)]
    return torch.cat(paths).reshape(costs.shape)


def _solve(costs: Tensor, start: Cell, goal: Cell, neighbourhood: int, negative: str) -> Tensor:
    """The paths through grids `(batch, H, W)`, all relaxed together."""
    grids, absorbs = _prepare(costs, negative)
    distances, arrivals = _relax(grids, start, neighbourhood, absorbs)
    return _trace(distances, arrivals, start, goal, neighbourhood)


def _cell(name: str, cell: Any, shape: torch.Size) -> Cell:
    """Row and column from the top left."""
    if not isinstance(cell, (tuple, list)) or len(cell) != 2:
        raise TypeError(f"{name} must be a pair of integers (row, column), got {describe(cell)}")
    sizes = shape[-2:]
    indices = [check_integer(name, index, minimum=-sizes[k]) for k, index in enumerate(cell)]
    if any(index >= size for index, size in zip(indices, sizes, strict=True)):
        raise ValueError(f"{name} must be a cell of the {sizes[0]}x{sizes[1]} grid, got {cell}")
    return indices[0] % sizes[0], indices[1] % sizes[1]


def _prepare(costs: Tensor, negative: str) -> tuple[Tensor, Tensor | None]:
    """The costs as sums can be made of them, and where a sum may absorb one.

    Args:
        costs: shape `(batch, H, W)`.
        negative: "raise" or "clamp".

    Returns:
        The costs `(H, W, batch)`, and of each grid, `(batch,)`, whether a distance may absorb a
        cost; `None` if there is no such grid.
    """
    _, H, W = costs.shape
    grids = costs.permute(1, 2, 0)
    grids = to_widest(grids).contiguous()
    least, most = _range(grids)
    if math.isnan(least):
        raise ValueError("costs must not be NaN")
    if least == -math.inf or (least < 0 and negative == "raise"):
        hint = "" if least == -math.inf else '; negative="clamp" takes negative ones for 0'
        raise ValueError(f"costs must be at least 0, got {least}{hint}")
    if least < 0:
        grids = grids.clamp(min=0.0)
    limits, cells = torch.finfo(grids.dtype), H * W
    if most > limits.max / cells:  # A sum must not overflow: infinity is a wall.
        grids = grids * 2.0 ** -cells.bit_length()
    absorbs = None
    if not least > limits.eps * cells * most:
        highest = grids.masked_fill(grids == math.inf, 0.0).flatten(0, 1).amax(0)
        absorbs = ~(grids.flatten(0, 1).amin(0) > limits.eps * cells * highest)
    return grids, absorbs


def _range(costs: Tensor) -> tuple[float, float]:
    """The smallest and the largest cost."""
    try:
        least, most = costs.aminmax()
        return float(least), float(most)
    except RuntimeError as error:
        raise ValueError(
            "grid_shortest_path cannot run under torch.func.vmap, because how long it runs depends "
            "on the values: call it outside, all leading dimensions of the costs are batch"
        ) from error


def _relax(
    costs: Tensor, start: Cell, neighbourhood: int, absorbs: Tensor | None
) -> tuple[Tensor, Tensor | None]:
    """The distances from the start, and the rounds in which they were found.

    Both are `(H + 2, W + 2, batch)`, with a border that is infinitely far. As the start keeps its
    distance, no distance grows from one round to the next. The rounds are 0 for grids that do not
    absorb, `None` if there is no other, so that a path does not depend on the other grids.
    """
    H, W, batch = costs.shape
    old, new = both = costs.new_full((2, H + 2, W + 2, batch), math.inf)
    both[:, start[0] + 1, start[1] + 1] = costs[start]
    arrivals = costs.new_zeros(old.shape) if absorbs is not None else None
    for k, run_round in enumerate(_rounds(old, new, costs, start, neighbourhood), 1):
        run_round()
        if arrivals is not None:
            arrivals.masked_fill_(new < old if k % 2 else old < new, k)
        if torch.equal(old, new):
            break
    if arrivals is None or absorbs is None:
        return new, None
    return new, arrivals * absorbs


def _rounds(
    old: Tensor, new: Tensor, costs: Tensor, start: Cell, neighbourhood: int
) -> Iterator[Callable[[], None]]:
    """Endless rounds, from one array to the other and back; the first on the cells in reach."""
    H, W, batch = costs.shape
    (row, column), done = start, 0
    reach = max(row, H - 1 - row, column, W - 1 - column)
    scratch = costs.new_empty(H + 2, W, batch)
    for radius in ((reach + 1) // 2, H * W):
        top, left = max(row - radius, 0), max(column - radius, 0)
        bottom, right = min(row + radius + 1, H), min(column + radius + 1, W)
        box = slice(top, bottom + 2), slice(left, right + 2)
        rest = (
            scratch[: bottom - top + 2, : right - left],
            costs[top:bottom, left:right],
            (row - top, column - left),
            neighbourhood,
        )
        both = _round(old[box], new[box], *rest), _round(new[box], old[box], *rest)
        yield from (both[k % 2] for k in range(done, radius))
        done = radius


def _round(
    old: Tensor, new: Tensor, scratch: Tensor, costs: Tensor, start: Cell, neighbourhood: int
) -> Callable[[], None]:
    """What makes `new = costs + (the least of old at and around a cell)`, its views made once."""
    target, source, own = new[1:-1, 1:-1], new[start[0] + 1, start[1] + 1], costs[start]
    if neighbourhood == 8:
        across, down = old.unfold(1, 3, 1), scratch.unfold(0, 3, 1)
    else:
        scratch = scratch[1:-1]
        across, down = old[1:-1].unfold(1, 3, 1), old[:, 1:-1].unfold(0, 3, 1)

    def run() -> None:
        torch.amin(across, -1, out=scratch)
        torch.amin(down, -1, out=target)
        if neighbourhood == 4:
            torch.minimum(target, scratch, out=target)
        target.add_(costs)
        source.copy_(own)

    return run


def _trace(
    distances: Tensor, arrivals: Tensor | None, start: Cell, goal: Cell, neighbourhood: int
) -> Tensor:
    """The cells from the goal back to the start, each the nearest around the last, `(batch, H, W)`.

    Where the sum absorbs a cost, a neighbour may be as near as the cell itself: then the one that
    was found first is taken. Distance and round, in this order, fall with every step.
    """
    height, width, batch = distances.shape
    distance = distances.permute(2, 0, 1).flatten()
    arrival = None if arrivals is None else arrivals.permute(2, 0, 1).flatten()
    offsets = torch.tensor(_offsets(width, neighbourhood), device=distance.device)
    first = torch.arange(batch, device=distance.device).unsqueeze(1) * (height * width)
    position = first + (goal[0] + 1) * width + goal[1] + 1
    if bool((distance.take(position) == math.inf).any()):
        raise ValueError(f"costs must leave a path from {start} to {goal}: walls cut it off")
    positions: list[Tensor] = []
    while not positions or not torch.equal(position, positions[-1]):  # All have come to the start.
        positions.append(position)
        around = position + offsets
        nearness = distance.take(around)
        if arrival is not None:
            farther = nearness > nearness.amin(1, keepdim=True)
            nearness = arrival.take(around).masked_fill(farther, math.inf)
        position = around.gather(1, nearness.argmin(1, keepdim=True))
    path = torch.zeros_like(distance, dtype=torch.bool)
    path[torch.cat(positions).squeeze(1)] = True
    return path.view(batch, height, width)[:, 1:-1, 1:-1]


def _offsets(width: int, neighbourhood: int) -> list[int]:
    """Where a cell and its neighbours are, relative to it, in a flat grid."""
    steps = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    return [i * width + j for i, j in steps if neighbourhood == 8 or 0 in {i, j}]
