"""Shortest paths on grids: exact ones, and a differentiable relaxation."""

from newton_optim.paths._bellman_ford import RelaxedBellmanFord
from newton_optim.paths._grid_shortest_path import grid_shortest_path

__all__ = ["RelaxedBellmanFord", "grid_shortest_path"]
