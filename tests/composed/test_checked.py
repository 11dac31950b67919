"""The testing kit finds nothing wrong with losses that are made from residuals."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from newton_optim import (
    ComposedLoss,
    GaussNewton,
    HuberLoss,
    PoissonLoss,
    ResidualLoss,
    SquaredLoss,
)
from newton_optim._derivatives import Request, evaluate
from newton_optim._outputs import flatten_outputs
from newton_optim.testing import assert_entry_points_agree, check_loss
from tests.asserts import assert_close


def model(y: Tensor) -> Tensor:
    return torch.cat([y.sin(), y.cumsum(-1), 0.5 * y.square()], dim=-1)


def outputs_and_truth() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    y = torch.randn(6, 3, generator=generator, dtype=torch.float64, device="cpu")
    t = torch.rand(6, 9, generator=generator, dtype=torch.float64, device="cpu")
    return y, t


@pytest.mark.parametrize(
    "loss",
    [
        ResidualLoss(lambda y, t: model(y) - t),
        ComposedLoss(model, SquaredLoss(reduction="none")),
        ComposedLoss(model, PoissonLoss()),
    ],
    ids=["residuals", "squared", "poisson"],
)
def test_check_loss_passes(loss: Any) -> None:
    report = check_loss(loss, *outputs_and_truth(), spreads=(1.0, 3.0))
    assert report.ok, str(report)


@pytest.mark.parametrize("scope", ["sample", "batch"])
def test_the_entry_points_agree(scope: str) -> None:
    y, t = outputs_and_truth()
    loss = ComposedLoss(model, HuberLoss(delta=0.5))
    assert_entry_points_agree(loss, y, t, curvature=GaussNewton(max_step=None, scope=scope))


def test_both_forms_hold_the_same_matrix() -> None:
    y, t = outputs_and_truth()
    loss = ComposedLoss(model, SquaredLoss())
    flat = flatten_outputs(y)
    found = evaluate(loss, flat, (t,), {}, "mean", Request("gauss_newton"))
    function = ComposedLoss(model, lambda u, t: 0.5 * (u - t).square().sum(-1))
    general = evaluate(function, flat, (t,), {}, "mean", Request("gauss_newton"))
    assert found.gauss_newton is not None
    assert general.gauss_newton is not None
    assert_close(found.gauss_newton(), general.gauss_newton())
    assert_close(found.gradient, general.gradient)
