"""Every row of the cost table compares a Newton loss with its own plain loss."""

from __future__ import annotations

import pytest
import torch

from benchmarks.speed import newton_cost
from newton_optim import EmpiricalFisher, newton_loss
from newton_optim.sorting import RankingLoss, SortingNetwork

CPU = torch.device("cpu")
# The Jacobians and Hessians of the relaxed Bellman-Ford take seconds each.
CHEAP = [
    (heading, curvature)
    for heading, (loss, curvatures) in newton_cost.PATH_LOSSES.items()
    for curvature in curvatures
    if curvature == "fisher" or loss in {"smoothed-loss", "fenchel-young"}
]


@pytest.mark.parametrize(("heading", "curvature"), CHEAP)
def test_both_sides_of_a_path_row(heading: str, curvature: str) -> None:
    newton, plain, _ = newton_cost.path_cost(heading, curvature, CPU)
    step, gradient = newton(), plain()
    assert isinstance(step, torch.Tensor)
    assert isinstance(gradient, torch.Tensor)
    assert step.shape == gradient.shape == (70, 12, 12)
    assert step.isfinite().all()
    # On the same noise: the step is downhill, and not the gradient itself.
    assert (step * gradient).sum() > 0
    assert not torch.allclose(step, gradient, rtol=0.1)


def test_both_sides_of_a_sorting_row() -> None:
    newton, plain, _ = newton_cost.sorting_cost("odd-even network, logistic", "fisher", CPU)
    loss = RankingLoss(SortingNetwork(5, distribution="logistic", steepness=10.0))
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(100, 5, generator=generator).requires_grad_()
    labels = torch.rand(100, 5, generator=generator)
    for work, value in (
        (plain, loss(scores, labels)),
        (newton, newton_loss(loss, scores, labels, curvature=EmpiricalFisher(), damping=1.0)),
    ):
        (expected,) = torch.autograd.grad(value, scores)
        torch.testing.assert_close(work(), expected[None])
