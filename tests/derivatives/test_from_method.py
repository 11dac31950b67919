"""Losses that bring their own derivatives."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor

import newton_optim
from tests.asserts import as_float64, assert_step, damped_solve
from tests.strategies import WavyLossWithDerivatives


@pytest.mark.parametrize(
    "entry_point", ["newton_target", "newton_loss", "NewtonLoss", "step", "backward"]
)
def test_every_entry_point_uses_the_derivatives_of_a_loss(entry_point: str) -> None:
    problem_args = torch.zeros(2, 3), torch.eye(3).expand(2, 3, 3), 0.3
    y = torch.randn(2, 3, requires_grad=True)
    loss = WavyLossWithDerivatives()
    base = torch.optim.SGD([y], lr=1.0)
    if entry_point == "NewtonLoss":
        newton_optim.NewtonLoss(loss)(y, *problem_args)
    elif entry_point in {"step", "backward"}:
        optimizer = newton_optim.NewtonLossOptimizer(base)
        if entry_point == "step":
            optimizer.step(lambda: (y, loss, *problem_args))
        else:
            optimizer.backward(y, loss, *problem_args)
    else:
        getattr(newton_optim, entry_point)(loss, y, *problem_args)
    assert loss.asked == 1


def test_a_partial_of_a_loss_keeps_its_derivatives() -> None:
    y, target = torch.randn(2, 3), torch.zeros(2, 3)
    matrix = torch.eye(3).expand(2, 3, 3)
    loss = WavyLossWithDerivatives()
    bound = partial(partial(loss, wave=0.3), matrix=matrix)
    z_star = newton_optim.newton_target(bound, y, target)
    assert loss.asked == 1
    assert torch.equal(z_star, newton_optim.newton_target(loss, y, target, matrix, 0.3))


@pytest.mark.parametrize("hessian", ["tensor", "callable", "none"])
def test_derivatives_may_leave_the_hessian_out(hessian: str) -> None:
    class Quartic:
        def __call__(self, y: Tensor) -> Tensor:
            return y.pow(4).sum(dim=1)

        def derivatives(self, y: Tensor) -> newton_optim.LossDerivatives:
            H = torch.diag_embed(12 * y.square())
            given_hessian = {"tensor": H, "callable": lambda: H, "none": None}[hessian]
            return newton_optim.LossDerivatives(self(y), 4 * y.pow(3), given_hessian)

    y = torch.tensor([[1.0, 2.0], [0.5, -1.0]], dtype=torch.float64)
    z_star = newton_optim.newton_target(Quartic(), y, damping=0.0)
    C = np.diag((12 * as_float64(y) ** 2).mean(axis=0))
    assert_step(z_star, y, damped_solve(C, 4 * as_float64(y) ** 3, damping=0.0), torch.float64)
    z_star = newton_optim.newton_target(Quartic(), y, curvature="fisher")
    g = 4 * as_float64(y) ** 3
    assert_step(z_star, y, damped_solve(g.T @ g / 2, g, damping=1.0), torch.float64)
