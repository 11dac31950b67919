"""The peer of the exact solver: Dijkstra's algorithm as the field writes it, grid after grid."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator

import torch
from torch import Tensor

Tile = tuple[int, int]


def dijkstra_paths(costs: Tensor) -> Tensor:
    """The shortest paths from the top left to the bottom right, bool, shape `(N, H, W)`.

    Args:
        costs: of the tiles, none negative, shape `(N, H, W)`.
    """
    return torch.tensor([shortest_path(grid) for grid in costs.tolist()], device=costs.device)


def shortest_path(costs: list[list[float]]) -> list[list[bool]]:
    """The shortest path through one grid, by a heap of tentative distances in plain Python."""
    height, width = len(costs), len(costs[0])
    start, goal = (0, 0), (height - 1, width - 1)
    distances = {start: costs[0][0]}
    previous: dict[Tile, Tile] = {}
    settled: set[Tile] = set()
    queue = [(costs[0][0], start)]
    while queue:
        distance, tile = heapq.heappop(queue)
        if tile == goal:
            break
        if tile in settled:
            continue
        settled.add(tile)
        for neighbour in neighbours(tile, height, width):
            if neighbour in settled:
                continue
            candidate = distance + costs[neighbour[0]][neighbour[1]]
            if candidate < distances.get(neighbour, math.inf):
                distances[neighbour] = candidate
                previous[neighbour] = tile
                heapq.heappush(queue, (candidate, neighbour))
    path = [[False] * width for _ in range(height)]
    path[goal[0]][goal[1]] = True
    while goal != start:
        goal = previous[goal]
        path[goal[0]][goal[1]] = True
    return path


def neighbours(tile: Tile, height: int, width: int) -> Iterator[Tile]:
    """The up to eight tiles around one."""
    row, column = tile
    for i in range(max(row - 1, 0), min(row + 2, height)):
        for j in range(max(column - 1, 0), min(column + 2, width)):
            if (i, j) != tile:
                yield i, j
