"""A loss that is made from residuals: how it is found, and what is recommended."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from newton_optim import (
    ComposedLoss,
    GaussNewton,
    ResidualLoss,
    SquaredLoss,
    diagnose,
    newton_target,
)
from newton_optim._diagnosis._hessians import jacobians
from tests.diagnosis.losses import normal, probe_of
from tests.diagnosis.made_up import advice, descent

SCALES = torch.tensor([1.0, 0.1, 0.01])


def stretched(y: Tensor) -> Tensor:
    """A model whose Jacobians have the condition 100 at zero."""
    return (SCALES.to(y) * y).sin()


LOSS = ComposedLoss(stretched, SquaredLoss(reduction="none"))


def test_the_condition_of_the_jacobians() -> None:
    y, t = normal(0, 8, 3, dtype=torch.float64), normal(1, 8, 3, dtype=torch.float64)
    found = jacobians(probe_of(LOSS, 1e-6 * y, t), 1e-6 * y)
    assert found.has_residuals
    assert found.jacobian_condition == pytest.approx(100.0, rel=1e-6)
    flat = ResidualLoss(lambda y: (y[:, :1] - 1.0) * torch.tensor([1.0, 2.0, 0.0]).to(y))
    assert jacobians(probe_of(flat, y), y).jacobian_condition == math.inf


def test_losses_without_residuals() -> None:
    y, t = normal(0, 8, 3), normal(1, 8, 3)
    whole = lambda y, t: LOSS(y, t)  # noqa: E731
    function = ComposedLoss(stretched, lambda u, t: (u - t).square().sum(-1))
    for loss in (whole, function):
        found = jacobians(probe_of(loss, y, t), y)
        assert not found.has_residuals
        assert found.jacobian_condition is None


def test_gauss_newton_is_recommended_with_its_damping() -> None:
    y = normal(0, 32, 3)
    t = stretched(normal(1, 32, 3))
    found = diagnose(LOSS, y, t)
    assert found.verdict == "Gauss-Newton"
    assert isinstance(found.curvature, GaussNewton)
    assert found.damping == GaussNewton.default_damping
    assert found.first_step["gauss-newton"] <= found.first_step["gradient"]
    assert found.descent["gauss-newton"] < found.descent["gradient"]
    text = str(found)
    assert "curvature=GaussNewton(), damping=RelativeDamping(" in text
    assert "shared=True" in text
    assert "median condition of the Jacobians" in text
    assert "the minimum of the loss is not the truth" in " ".join(text.split())
    z_star = newton_target(LOSS, y, t, curvature=found.curvature, damping=found.damping)
    assert float(LOSS(z_star, t).mean()) < float(LOSS(y, t).mean())


def test_a_distance_needs_no_gauss_newton() -> None:
    y, t = normal(0, 32, 3), normal(1, 32, 3)
    found = diagnose(ResidualLoss(lambda y, t: y - t), y, t)
    assert found.verdict.startswith("the plain loss")


def test_the_rule_asks_for_progress() -> None:
    left = {**descent(0.4, 0.3, 0.2, 0.2), "gauss-newton": 0.0}
    first = {**descent(0.9, 0.9, 0.8, 0.8), "gauss-newton": 0.5}
    found = advice(has_residuals=True, jacobian_condition=math.inf, descent=left, first_step=first)
    assert found.verdict == "Gauss-Newton"
    reasons = " ".join(found.reasons)
    assert "The median condition of their Jacobians is infinite." in reasons
    assert "The first step with the gradient leaves 90.0%, with the gauss-newton 50.0%." in reasons
    even = {**left, "gauss-newton": 0.395}
    assert advice(has_residuals=True, descent=even).verdict != "Gauss-Newton"
    ahead_at_first = advice(has_residuals=True, descent=even, first_step=first)
    assert ahead_at_first.verdict == "Gauss-Newton"
    behind = {**left, "gauss-newton": 0.41}
    assert advice(has_residuals=True, descent=behind, first_step=first).verdict != "Gauss-Newton"
