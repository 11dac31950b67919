"""Both sides of the path comparisons, on maps of 12 by 12 tiles.

The costs are float32, uniform between 0.2 and 1.2.
"""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.shortest_path.warcraft import SIDE
from benchmarks.speed.algovision_path import ITERATIONS, STEEPNESS, algovision_shortest_path
from benchmarks.speed.dijkstra import dijkstra_paths
from benchmarks.speed.sides import Sides, gradient_work
from newton_optim.paths import RelaxedBellmanFord, grid_shortest_path


def solver_sides(grids: int, device: torch.device) -> Sides:
    """The exact solver, all grids at once, against Dijkstra's algorithm, one grid after another."""
    costs = _costs(grids, device)
    return Sides(lambda: grid_shortest_path(costs), lambda: dijkstra_paths(costs))


def bellman_ford_sides(loop: str, grids: int, device: torch.device) -> Sides:
    """The relaxed Bellman-Ford against AlgoVision: value and gradient.

    Both run all iterations of the ``while`` loop, so that they compute the same.
    """
    costs = _costs(grids, device)
    ours = RelaxedBellmanFord(steepness=STEEPNESS, iterations=ITERATIONS, loop=loop)
    peer = algovision_shortest_path(loop, device)
    return Sides(
        gradient_work(lambda c: ours(c).sum(), costs), gradient_work(lambda c: peer(c).sum(), costs)
    )


def _costs(grids: int, device: torch.device) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    costs = torch.rand(grids, SIDE, SIDE, generator=generator, device="cpu") + 0.2
    return costs.to(device)
