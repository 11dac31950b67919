"""Both sides of the path rows of the speed table, on maps of 12 by 12 cells.

The costs are float32, uniform between 0.2 and 1.2. The peers are Dijkstra's algorithm on a heap in
plain Python and the shortest path of AlgoVision's examples, built from AlgoVision's own parts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch
import torch.nn.functional as F
from algovision import Algorithm, For, Input, LEq, Let, Output, Var, While
from torch import Tensor

from benchmarks._dijkstra import dijkstra_paths
from benchmarks._speed_timing import Work
from benchmarks._speed_works import Works
from newton_optim.paths import RelaxedBellmanFord, grid_shortest_path

SIDE: Final = 12
STEEPNESS: Final = 10.0
ITERATIONS: Final = 18
FAR: Final = 1e12
# The windows of the bordered grid that show each cell's eight neighbours, row by row.
AROUND: Final = tuple((i, j) for i in range(3) for j in range(3) if (i, j) != (1, 1))


def solver_works(grids: int, device: torch.device) -> Works:
    """The exact solver, all grids at once, against Dijkstra's algorithm, one grid after another."""
    costs = _costs(grids, device)
    return Works(lambda: grid_shortest_path(costs), lambda: dijkstra_paths(costs))


def bellman_ford_works(loop: str, grids: int, device: torch.device) -> Works:
    """The relaxed Bellman-Ford against AlgoVision: value and gradient.

    Both run all iterations of the ``while`` loop, so that they compute the same.
    """
    costs = _costs(grids, device)
    ours = RelaxedBellmanFord(steepness=STEEPNESS, iterations=ITERATIONS, loop=loop)
    return Works(_gradient(ours, costs), _gradient(algovision_shortest_path(loop, device), costs))


def algovision_shortest_path(loop: str, device: torch.device) -> Algorithm:
    """AlgoVision's shortest path with the probabilistic t-conorm, for `(N, 12, 12)` costs."""
    source = _one_hot(SIDE + 2, 1).to(device)
    goal = _one_hot(SIDE, SIDE - 1).to(device)

    def relax(d: Tensor, cost: Tensor) -> tuple[Tensor, Tensor]:
        around = F.unfold(d.unsqueeze(1), 3).mT.reshape(*cost.shape, 9)
        around = torch.cat([around[..., :4], around[..., 5:]], dim=-1)
        weights = F.softmin(STEEPNESS * around, dim=-1)
        return F.pad((weights * around).sum(-1) + cost, (1, 1, 1, 1), value=FAR), weights

    def step_back(position: Tensor, weights: Tensor) -> Tensor:
        moved = F.pad(position.unsqueeze(-1) * weights, (0, 0, 1, 1, 1, 1))
        windows = [
            moved[:, 2 - i : 2 - i + SIDE, 2 - j : 2 - j + SIDE, k]
            for k, (i, j) in enumerate(AROUND)
        ]
        return torch.stack(windows).sum(0)

    body = (
        Let("path", lambda path, position: path + position - path * position),
        Let("position", lambda position, weights: step_back(position, weights)),
    )
    away = LEq(lambda path: path[:, 0, 0], 1.0)
    return Algorithm(
        Input("cost"),
        Var("d", torch.full((SIDE + 2, SIDE + 2), FAR, device=device).masked_fill(source, 0.0)),
        Var("weights", torch.zeros(SIDE, SIDE, 8, device=device)),
        Var("position", goal.float()),
        Var("path", torch.zeros(SIDE, SIDE, device=device)),
        For(
            "i",
            ITERATIONS,
            Let(["d", "weights"], lambda d, cost: relax(d, cost)),
            Let("d", lambda d: d.masked_fill(source, 0.0)),
        ),
        For("j", ITERATIONS, *body) if loop == "for" else While(away, *body),
        Output("path"),
        beta=STEEPNESS,
        max_iter=ITERATIONS,
        epsilon=0.0,
    )


def _one_hot(side: int, index: int) -> Tensor:
    mask = torch.zeros(side, side, dtype=torch.bool)
    mask[index, index] = True
    return mask


def _costs(grids: int, device: torch.device) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    costs = torch.rand(grids, SIDE, SIDE, generator=generator, device="cpu") + 0.2
    return costs.to(device)


def _gradient(function: Callable[[Tensor], Tensor], costs: Tensor) -> Work:
    def work() -> Tensor | None:
        c = costs.detach().requires_grad_()
        function(c).sum().backward()
        return c.grad

    return work
