"""Everything on CPU tensors while the default device is another one: "meta" here."""

from __future__ import annotations

import pytest
import torch

from newton_optim.paths import RelaxedBellmanFord, grid_shortest_path


@pytest.mark.parametrize("neighbourhood", [4, 8])
def test_the_exact_solver(neighbourhood: int) -> None:
    costs = torch.rand(2, 4, 5, device="cpu")
    costs[1, 0, 1] = 0.0
    expected = grid_shortest_path(costs, neighbourhood=neighbourhood)
    with torch.device("meta"):
        paths = grid_shortest_path(costs, neighbourhood=neighbourhood)
        empty = grid_shortest_path(costs[:0])
    assert torch.equal(paths, expected)
    assert empty.device.type == "cpu"


@pytest.mark.parametrize("loop", ["for", "while"])
def test_the_relaxation(loop: str) -> None:
    costs = torch.rand(2, 4, 5, device="cpu", requires_grad=True)
    expected = RelaxedBellmanFord(loop=loop)(costs)
    with torch.device("meta"):
        path = RelaxedBellmanFord(loop=loop)(costs)
        (gradient,) = torch.autograd.grad(path.square().sum(), costs)
    assert torch.equal(path, expected)
    assert gradient.device.type == "cpu"
