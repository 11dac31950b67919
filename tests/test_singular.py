"""Matrices that cannot be inverted, and what is nearly so: counted, never a step that explodes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from torch import Tensor

import newton_optim
from newton_optim import EmpiricalFisher, Hessian, RelativeDamping
from tests.asserts import (
    assert_close,
    damped_solve,
)
from tests.strategies import (
    matrices,
    reductions,
    to_array,
)


def stepped(loss: Any, y: Tensor, **options: Any) -> tuple[Tensor, Any]:
    """The step of a batch through `NewtonLossOptimizer`, and the diagnostics."""
    parameter = y.clone().requires_grad_()
    base = torch.optim.SGD([parameter], lr=0.0)
    optimizer = newton_optim.NewtonLossOptimizer(base, reduction="sum", **options)
    optimizer.step(lambda: (parameter * 1, loss))
    assert parameter.grad is not None
    return parameter.grad, optimizer.diagnostics


@pytest.mark.parametrize("eigenvalues", ["raw", "absolute", "clamp"])
@pytest.mark.parametrize("scope", ["batch", "sample", "joint"])
def test_a_singular_hessian_without_damping_is_the_plain_gradient(
    eigenvalues: str, scope: str
) -> None:
    y = torch.tensor([[1.0, 2.0], [3.0, 5.0]], dtype=torch.float64)

    def loss(y: Tensor) -> Tensor:  # The second coordinate is linear: a zero row of H.
        return 0.5 * y[:, 0].square() + 3 * y[:, 1]

    step, diagnostics = stepped(
        loss, y, curvature=Hessian(scope=scope, eigenvalues=eigenvalues), damping=0.0
    )
    gradient = torch.stack([y[:, 0], torch.full((2,), 3.0, dtype=torch.float64)], dim=1)
    assert_close(step, gradient)
    assert diagnostics["fallbacks"] >= 1
    assert diagnostics["total_fallbacks"] == diagnostics["fallbacks"]


@given(matrices(kind="singular", m=3), reductions)
def test_singular_matrices_with_damping_are_solved(A: Any, reduction: str) -> None:
    y = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)
    weights = torch.tensor(A[0])
    loss = 0.5 * torch.einsum("ni,ij,nj->n", y, weights, y)
    z_star = newton_optim.newton_target(loss, y, damping=0.1, reduction=reduction)
    v = to_array(y)
    assert_close(z_star, v - damped_solve(A[0], v @ A[0], damping=0.1))


@pytest.mark.parametrize("scope", ["batch", "sample"])
def test_a_singular_fisher_without_damping_is_the_plain_gradient(scope: str) -> None:
    y = torch.tensor([[2.0, 0.0, 0.0]], dtype=torch.float64)
    step, diagnostics = stepped(
        lambda y: 0.5 * y.square().sum(dim=1),
        y,
        curvature=EmpiricalFisher(scope=scope),
        damping=0.0,
    )
    assert_close(step, y)
    assert diagnostics["fallbacks"] >= 1


@pytest.mark.parametrize("scope", ["batch", "sample"])
@pytest.mark.parametrize("eigenvalues", ["raw", "absolute", "clamp"])
@pytest.mark.parametrize(
    ("damping", "factor"),
    [(None, 1.0), (RelativeDamping(0.5), 1.0), (0.0, 1.0), (0.5, 2.0), (4.0, 0.25)],
)
def test_no_curvature_at_all(scope: str, eigenvalues: str, damping: Any, factor: float) -> None:
    """C = 0: λ = 0 then unless it is a float, and the step is the gradient; else g/λ."""

    class Linear:
        def __call__(self, y: Tensor) -> Tensor:
            return (3 * y).sum(dim=1)

        def derivatives(self, y: Tensor) -> newton_optim.LossDerivatives:
            g = torch.full_like(y, 3.0)
            return newton_optim.LossDerivatives(self(y), g, torch.zeros(2, 3, 3).to(y))

    y = torch.randn(2, 3, dtype=torch.float64)
    curvature = Hessian(scope=scope, eigenvalues=eigenvalues)
    step, diagnostics = stepped(Linear(), y, curvature=curvature, damping=damping)
    assert_close(step, torch.full((2, 3), 3.0 * factor))
    assert diagnostics["damping"] == (damping if isinstance(damping, float) else 0.0)


@pytest.mark.parametrize("curvature", ["hessian", "fisher", "identity"])
def test_a_gradient_of_zero_is_a_step_of_zero(curvature: str) -> None:
    y = torch.zeros(3, 2)
    step, diagnostics = stepped(lambda y: y.square().sum(dim=1), y, curvature=curvature)
    assert not step.any()
    assert diagnostics["nonfinite_samples"] == 0


@pytest.mark.parametrize("curvature", ["hessian", Hessian(eigenvalues="raw"), "fisher"])
@pytest.mark.parametrize("scale", [1e-30, 1e-12, 1e12, 1e30])
def test_extreme_scales_stay_finite(curvature: Any, scale: float) -> None:
    y = torch.randn(3, 2)
    step, diagnostics = stepped(lambda y: scale * y.square().sum(dim=1), y, curvature=curvature)
    assert step.isfinite().all()
    assert diagnostics["nonfinite_samples"] == 0
    if curvature != "fisher":  # 2 s y / (2 s · 1.1), whatever the scale.
        assert_close(step, y / 1.1, torch.float32)
