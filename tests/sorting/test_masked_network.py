"""Masks of the ranking loss on networks, through the entry points."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch

from newton_optim import EmpiricalFisher, Hessian, NewtonLoss, newton_target
from newton_optim.sorting import RankingLoss, SortingNetwork

LENGTHS = torch.tensor([5, 3, 4, 2, 5, 1, 0])


@pytest.mark.parametrize("distribution", ["cauchy", "logistic"])
@pytest.mark.parametrize("curvature", [Hessian(scope="sample"), EmpiricalFisher(scope="sample")])
def test_each_list_is_the_list_alone(distribution: str, curvature: Any) -> None:
    network = SortingNetwork(5, distribution=distribution, steepness=3.0)
    scores, labels = torch.randn(2, len(LENGTHS), 5, dtype=torch.float64)
    mask = torch.arange(5) < LENGTHS.unsqueeze(-1)
    scores = torch.where(mask, scores, torch.nan)
    loss = RankingLoss(network)
    z_star = newton_target(partial(loss, mask=mask), scores, labels, curvature=curvature)
    for row, length in enumerate(LENGTHS.tolist()):
        if length > 0:
            alone = RankingLoss(SortingNetwork(length, distribution=distribution, steepness=3.0))
            s, t = scores[row : row + 1, :length], labels[row : row + 1, :length]
            expected = newton_target(alone, s, t, curvature=curvature)
            torch.testing.assert_close(z_star[row : row + 1, :length], expected)
    assert z_star[~mask].isnan().all()
    y = scores.clone().requires_grad_()
    NewtonLoss(loss, curvature=curvature)(y, labels, mask=mask).backward()
    assert y.grad is not None
    assert not y.grad[~mask].any()
    torch.testing.assert_close(y.grad[mask], (scores - z_star)[mask] / len(scores))


def test_a_bitonic_network_refuses_a_mask() -> None:
    loss = RankingLoss(SortingNetwork(4, network="bitonic"))
    mask = torch.ones(2, 4, dtype=torch.bool)
    with pytest.raises(ValueError, match="mask"):
        loss(torch.randn(2, 4), torch.randn(2, 4), mask=mask)
