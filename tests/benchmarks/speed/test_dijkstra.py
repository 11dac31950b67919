"""Dijkstra's algorithm in plain Python."""

from __future__ import annotations

import numpy as np
import torch

from benchmarks.speed.dijkstra import dijkstra_paths, shortest_path


def test_dijkstra_finds_a_known_path() -> None:
    assert shortest_path([[2.0]]) == [[True]]
    costs = [[1.0, 9.0, 1.0], [1.0, 9.0, 1.0], [9.0, 1.0, 1.0]]
    expected = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 1]], dtype=bool)
    np.testing.assert_array_equal(shortest_path(costs), expected)
    assert torch.equal(dijkstra_paths(torch.tensor([costs])), torch.tensor(expected[None]))
