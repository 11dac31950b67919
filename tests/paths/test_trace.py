from __future__ import annotations

import math

import pytest
import torch

from newton_optim.paths._trace import trace_back


def bordered(distances: list[list[float]]) -> torch.Tensor:
    """One grid with an infinite border, `(H + 2, W + 2, 1)`."""
    inner = torch.tensor(distances, dtype=torch.float64)
    return torch.nn.functional.pad(inner, (1, 1, 1, 1), value=math.inf).unsqueeze(-1)


def test_each_cell_is_the_nearest_around_the_last() -> None:
    distances = bordered([[0.0, 1.0, 9.0], [3.0, 2.0, 9.0], [9.0, 9.0, 4.0]])
    eight = trace_back(distances, None, (0, 0), (2, 2), 8)
    assert eight.int().tolist() == [[[1, 0, 0], [0, 1, 0], [0, 0, 1]]]
    four = trace_back(distances, None, (0, 0), (1, 1), 4)
    assert four.int().tolist() == [[[1, 1, 0], [0, 1, 0], [0, 0, 0]]]


def test_of_equally_near_cells_the_first_that_was_found_is_taken() -> None:
    distances = bordered([[1.0, 1.0, 1.0]])
    arrivals = bordered([[0.0, 1.0, 2.0]])
    path = trace_back(distances, arrivals, (0, 0), (0, 2), 8)
    assert path.all()


def test_a_goal_out_of_reach_is_refused() -> None:
    distances = bordered([[0.0, math.inf]])
    with pytest.raises(ValueError, match=r"a path from \(0, 0\) to \(0, 1\): walls cut it off"):
        trace_back(distances, None, (0, 0), (0, 1), 8)
