"""The exact solver without a look at any value, for a step that a CUDA graph records.

A graph replays the same operations whatever the values are: so there are as many rounds as a path
can have cells, and a grid that would be refused has an empty path.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from newton_optim._precision import to_widest
from newton_optim.paths._distances import Cell, find_distances


def must_not_read(costs: Tensor) -> bool:
    """Whether a CUDA graph is being recorded, which a look at a value would break."""
    return costs.is_cuda and torch.cuda.is_current_stream_capturing()


def solve_unread(
    costs: Tensor, start: Cell, goal: Cell, neighbourhood: int, negative: str
) -> Tensor:
    """The paths through grids `(batch, H, W)`, as bool; none where a cost or the walls forbid it.

    Args:
        costs: shape `(batch, H, W)`.
        start: the first cell.
        goal: the last one.
        neighbourhood: 8 or 4.
        negative: ``"raise"`` for no path where a cost is negative, or ``"clamp"``.
    """
    _, H, W = costs.shape
    grids = to_widest(costs.permute(1, 2, 0)).contiguous()  # (H, W, batch)
    forbidden = grids.isnan() | (grids == -math.inf)
    if negative == "raise":
        forbidden |= grids < 0
    refused = forbidden.flatten(0, 1).any(0)
    grids = torch.where(refused, 1.0, grids).clamp(min=0.0)
    limits, cells = torch.finfo(grids.dtype), H * W
    least = grids.flatten(0, 1).amin(0)
    highest = grids.masked_fill(grids == math.inf, 0.0).flatten(0, 1).amax(0)
    # A sum must not overflow: infinity is a wall.
    grids = grids * torch.where(highest > limits.max / cells, 2.0 ** -cells.bit_length(), 1.0)
    absorbs = ~(least > limits.eps * cells * highest)
    distances, arrivals = find_distances(grids, start, neighbourhood, absorbs, stop_early=False)
    assert arrivals is not None  # There are absorbs.
    path, reached = _trace(distances, arrivals, goal, neighbourhood)
    return path & (reached & ~refused)[:, None, None]


def _trace(
    distances: Tensor, arrivals: Tensor, goal: Cell, neighbourhood: int
) -> tuple[Tensor, Tensor]:
    """The cells `(batch, H, W)` on the way back from the goal, and whether there is a way.

    Every cell points to the nearest around it, of equally near ones to the one that was found
    first, and the start to itself. The way is followed by doubling: after k rounds it has 2ᵏ cells.
    """
    height, width, batch = distances.shape
    distance, arrival = (one.permute(2, 0, 1).flatten(1) for one in (distances, arrivals))
    place = torch.arange(height * width, device=distance.device)
    # Off the array only from the border, to which no cell points.
    around = (place[:, None] + _offsets(width, neighbourhood, place)).clamp(0, len(place) - 1)
    nearness = distance[:, around]  # (batch, cells, neighbours)
    farther = nearness > nearness.amin(-1, keepdim=True)
    first = arrival[:, around].masked_fill(farther, math.inf).argmin(-1, keepdim=True)
    to = around.expand(batch, -1, -1).gather(-1, first).squeeze(-1)
    reachable = distance != math.inf
    to = torch.where(reachable, to, place)
    end = (goal[0] + 1) * width + goal[1] + 1
    path = (place == end).expand(batch, -1).to(torch.int8)
    for _ in range(len(place).bit_length()):
        path = path.scatter_reduce(1, to, path, "amax")
        to = to.gather(1, to)
    inside = path.bool().view(batch, height, width)[:, 1:-1, 1:-1]
    return inside, reachable[:, end]


def _offsets(width: int, neighbourhood: int, like: Tensor) -> Tensor:
    """Where a cell and its neighbours are, relative to it, made on the device."""
    steps = torch.arange(-1, 2, device=like.device)
    around = (steps[:, None] * width + steps).flatten()
    return around if neighbourhood == 8 else torch.cat([around[1:2], around[3:6], around[7:8]])
