"""Both sides of a path comparison compute the same."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from benchmarks.speed import path_sides as sides

CPU = torch.device("cpu")


def as_tensor(result: object) -> Tensor:
    assert isinstance(result, Tensor)
    return result


def test_both_solvers_find_the_same_paths() -> None:
    pair = sides.solver_sides(20, CPU)
    ours, theirs = as_tensor(pair.ours()), as_tensor(pair.peer())
    assert ours.shape == (20, 12, 12)
    assert torch.equal(ours, theirs)


@pytest.mark.parametrize("loop", ["for", "while"])
def test_both_relaxations_have_the_same_gradient(loop: str) -> None:
    pair = sides.bellman_ford_sides(loop, 3, CPU)
    torch.testing.assert_close(as_tensor(pair.ours()), as_tensor(pair.peer()), rtol=1e-3, atol=1e-4)
