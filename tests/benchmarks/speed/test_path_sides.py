from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmarks import _path_works as works
from benchmarks._dijkstra import dijkstra_paths, shortest_path

CPU = torch.device("cpu")


def as_tensor(result: object) -> Tensor:
    assert isinstance(result, Tensor)
    return result


def test_both_solvers_find_the_same_paths() -> None:
    pair = works.solver_works(20, CPU)
    ours, theirs = as_tensor(pair.ours()), as_tensor(pair.peer())
    assert ours.shape == (20, 12, 12)
    assert torch.equal(ours, theirs)


@pytest.mark.parametrize("loop", ["for", "while"])
def test_both_relaxations_have_the_same_gradient(loop: str) -> None:
    pair = works.bellman_ford_works(loop, 3, CPU)
    torch.testing.assert_close(as_tensor(pair.ours()), as_tensor(pair.peer()), rtol=1e-3, atol=1e-4)


def test_dijkstra_finds_a_known_path() -> None:
    assert shortest_path([[2.0]]) == [[True]]
    costs = [[1.0, 9.0, 1.0], [1.0, 9.0, 1.0], [9.0, 1.0, 1.0]]
    expected = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 1]], dtype=bool)
    np.testing.assert_array_equal(shortest_path(costs), expected)
    assert torch.equal(dijkstra_paths(torch.tensor([costs])), torch.tensor(expected[None]))
