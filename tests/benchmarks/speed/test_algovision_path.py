"""AlgoVision's shortest path."""

from __future__ import annotations

import pytest
import torch

from benchmarks.speed.algovision_path import algovision_shortest_path


@pytest.mark.parametrize("loop", ["for", "while"])
def test_it_follows_a_cheap_diagonal(loop: str) -> None:
    device = torch.device("cpu")
    costs = torch.full((1, 12, 12), 3.0, device=device)
    costs[0].fill_diagonal_(0.1)
    (path,) = algovision_shortest_path(loop, device)(costs)
    assert torch.equal(path > 0.5, torch.eye(12, dtype=torch.bool, device=device))
