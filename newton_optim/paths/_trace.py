"""The way back from the goal to the start, in all grids at once."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from newton_optim.paths._distances import Cell


def trace_back(
    distances: Tensor, arrivals: Tensor | None, start: Cell, goal: Cell, neighbourhood: int
) -> Tensor:
    """The cells from the goal back to the start, each the nearest around the last.

    Where the sum absorbs a cost, a neighbour may be as near as the cell itself: then the one that
    was found first is taken. Distance and round, in this order, fall with every step.

    Args:
        distances: from the start, `(H + 2, W + 2, batch)`, infinite on the border.
        arrivals: the rounds in which they were found, or ``None`` where these play no part.
        start: where the paths end.
        goal: where they begin.
        neighbourhood: 8 or 4.

    Returns:
        Whether a cell is on the path, `(batch, H, W)`.

    Raises:
        ValueError: if the goal is out of reach in a grid.
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
    while not positions or not torch.equal(position, positions[-1]):  # All are at the start.
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
