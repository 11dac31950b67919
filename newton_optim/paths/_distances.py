"""The distances of all cells from the start, with all grids updated side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

Cell = tuple[int, int]


def find_distances(
    costs: Tensor,
    start: Cell,
    neighbourhood: int,
    absorbs: Tensor | None,
    *,
    stop_early: bool = True,
) -> tuple[Tensor, Tensor | None]:
    """The distances from the start, and the rounds in which they were found.

    Both are `(H + 2, W + 2, batch)`, with a border that is infinitely far. As the start keeps its
    distance, no distance grows from one round to the next.

    Args:
        costs: `(H, W, batch)`, at least 0.
        start: the cell from which the distances are measured.
        neighbourhood: 8 or 4.
        absorbs: for each grid, whether a distance may absorb a cost, or ``None`` if none may.
        stop_early: end when a round changes nothing, which has to be read from a device, instead
            of after as many rounds as there are cells. The result is the same.

    Returns:
        The distances, and the rounds: 0 for grids that do not absorb, so that a path does not
        depend on the other grids, and ``None`` if there are no others.
    """
    H, W, batch = costs.shape
    old, new = both = costs.new_full((2, H + 2, W + 2, batch), math.inf)
    both[:, start[0] + 1, start[1] + 1] = costs[start]
    arrivals = costs.new_zeros(old.shape) if absorbs is not None else None
    for k, run_round in enumerate(_rounds(old, new, costs, start, neighbourhood), 1):
        run_round()
        if arrivals is not None:
            arrivals.masked_fill_(new < old if k % 2 else old < new, k)
        if stop_early and torch.equal(old, new):
            break
    if arrivals is None or absorbs is None:
        return new, None
    return new, arrivals * absorbs


def _rounds(
    old: Tensor, new: Tensor, costs: Tensor, start: Cell, neighbourhood: int
) -> Iterator[Callable[[], None]]:
    """As many rounds as a path can have cells, from one array to the other and back.

    The first of them update only the cells around the start that they can reach.
    """
    H, W, batch = costs.shape
    (row, column), done = start, 0
    reach = max(row, H - 1 - row, column, W - 1 - column)
    scratch = costs.new_empty(H + 2, W, batch)
    for radius in ((reach + 1) // 2, H * W):
        top, left = max(row - radius, 0), max(column - radius, 0)
        bottom, right = min(row + radius + 1, H), min(column + radius + 1, W)
        box = slice(top, bottom + 2), slice(left, right + 2)
        inside = (
            scratch[: bottom - top + 2, : right - left],
            costs[top:bottom, left:right],
            (row - top, column - left),
            neighbourhood,
        )
        rounds = _round(old[box], new[box], *inside), _round(new[box], old[box], *inside)
        yield from (rounds[k % 2] for k in range(done, radius))
        done = radius


def _round(
    old: Tensor, new: Tensor, scratch: Tensor, costs: Tensor, start: Cell, neighbourhood: int
) -> Callable[[], None]:
    """A function that sets `new = costs + (the least of old at and around a cell)`.

    Its views are made once, and used in every round.
    """
    target, source, own = new[1:-1, 1:-1], new[start[0] + 1, start[1] + 1], costs[start]
    if neighbourhood == 8:
        across, down = old.unfold(1, 3, 1), scratch.unfold(0, 3, 1)
    else:
        scratch = scratch[1:-1]
        across, down = old[1:-1].unfold(1, 3, 1), old[:, 1:-1].unfold(0, 3, 1)

    def run_round() -> None:
        torch.amin(across, -1, out=scratch)
        torch.amin(down, -1, out=target)
        if neighbourhood == 4:
            torch.minimum(target, scratch, out=target)
        target.add_(costs)
        source.copy_(own)

    return run_round
