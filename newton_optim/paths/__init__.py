"""Shortest paths on grids: the exact ones, and a relaxation that is differentiable."""

from newton_optim.paths._bellman_ford import RelaxedBellmanFord
from newton_optim.paths._solver import grid_shortest_path

__all__ = ["RelaxedBellmanFord", "grid_shortest_path"]
