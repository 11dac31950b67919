"""Candidates that fail, and bad input: what a model may do to Levenberg-Marquardt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from newton_optim import (
    ComposedLoss,
    GaussNewton,
    Hessian,
    LevenbergMarquardt,
    NewtonLoss,
    NewtonLossOptimizer,
    RelativeDamping,
    ResidualLoss,
    SquaredLoss,
    newton_target,
)
from newton_optim.curvature import SupportsNewtonStep
from tests.asserts import assert_close
from tests.curvature.test_levenberg_marquardt import decays, model, per_sample

LOSS = ComposedLoss(model, SquaredLoss())


def diagnostics(loss: Callable[..., Tensor], y: Tensor, *args: Any, curvature: Any) -> Any:
    y = y.clone().requires_grad_()
    optimizer = NewtonLossOptimizer(torch.optim.SGD([y], lr=1.0), curvature=curvature)
    optimizer.step(lambda: (y, loss, *args))
    return optimizer.diagnostics


def first_candidate_fails(failure: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """The decays, which fail wherever the least damped candidate moves a sample far."""
    y, x = decays(0)

    def residuals(z: Tensor) -> Tensor:
        r = model(z) - x
        return failure(r) if float((z.detach() - y).norm()) > 1.0 else r

    return residuals


def raises(r: Tensor) -> Tensor:
    raise ArithmeticError("no solution")


@pytest.mark.parametrize("failure", [raises, lambda r: r * torch.nan, lambda r: r * torch.inf])
def test_a_candidate_that_fails_is_not_taken_and_counted(failure: Any) -> None:
    y, x = decays(0)
    long, short = RelativeDamping(1e-3), RelativeDamping(1e3)
    curvature = LevenbergMarquardt(factors=(1e-3, 1e3), max_step=None)
    loss = ResidualLoss(first_candidate_fails(failure))
    expected = [
        newton_target(LOSS, y, x, curvature=GaussNewton(max_step=None), damping=d)
        for d in (long, short)
    ]
    assert float((expected[0] - y).norm()) > 1.0 > float((expected[1] - y).norm())
    damping = RelativeDamping(1.0)
    assert_close(newton_target(loss, y, curvature=curvature, damping=damping), expected[1])
    found = diagnostics(loss, y, curvature=LevenbergMarquardt(factors=(1e-3, 1e2), max_step=None))
    assert int(found["failed_evaluations"]) == len(y)


def test_where_all_candidates_fail_the_sample_gets_its_gradient() -> None:
    y, x = decays(1)
    start = y.clone()

    def residuals(z: Tensor) -> Tensor:
        moved = (z != start).any(-1, keepdim=True)
        broken = moved & (torch.arange(len(start), device=z.device) % 2 == 0)[:, None]
        return (model(z) - x) * torch.where(broken, torch.nan, 1.0)

    curvature = LevenbergMarquardt(max_step=0.5)
    z_star = newton_target(ResidualLoss(residuals), y, curvature=curvature)
    leaf = y.clone().requires_grad_()
    (g,) = torch.autograd.grad(per_sample(leaf, x).sum(), leaf)
    shortened = g * (0.5 / g.norm(dim=-1, keepdim=True)).clamp(max=1.0)
    assert_close((y - z_star)[::2], shortened[::2])
    found = diagnostics(ResidualLoss(residuals), y, curvature=curvature)
    assert int(found["failed_evaluations"]) == 3 * 3
    assert int(found["samples_without_descent"]) >= 3


def test_a_model_that_cannot_be_batched_is_called_for_each_candidate() -> None:
    y, x = decays(2)
    calls: list[int] = []

    def looking(z: Tensor) -> Tensor:
        calls.append(1)
        return (model(z) - x) * (1.0 if float(z.detach().sum()) < 1e9 else 2.0)

    found = newton_target(ResidualLoss(looking), y, curvature=LevenbergMarquardt())
    assert_close(found, newton_target(LOSS, y, x, curvature=LevenbergMarquardt()))
    assert len(calls) == 1 + 1 + 3  # Differentiated; tried batched; one by one.


def test_a_model_that_fails_after_the_first_step_ends_there() -> None:
    y, x = decays(3)
    once = newton_target(LOSS, y, x, curvature=LevenbergMarquardt())

    def residuals(z: Tensor) -> Tensor:
        if z.requires_grad and not torch.equal(z.detach(), y):
            raise ArithmeticError("no derivative here")
        return model(z) - x

    several = LevenbergMarquardt(steps=3)
    assert_close(newton_target(ResidualLoss(residuals), y, curvature=several), once)


def test_a_sample_that_is_not_finite_stays_and_is_not_counted() -> None:
    y, x = decays(4)
    y[1] = torch.nan
    z_star = newton_target(LOSS, y, x, curvature=LevenbergMarquardt())
    assert z_star[1].isnan().all()
    assert torch.isfinite(z_star[[0, 2, 3, 4, 5]]).all()
    assert int(diagnostics(LOSS, y, x, curvature=LevenbergMarquardt())["failed_evaluations"]) == 0


def test_one_sample_and_half_precision() -> None:
    y, x = decays(5)
    whole = newton_target(LOSS, y, x, curvature=LevenbergMarquardt(), damping=RelativeDamping(1.0))
    one = newton_target(
        LOSS, y[:1], x[:1], curvature=LevenbergMarquardt(), damping=RelativeDamping(1.0)
    )
    assert_close(one, whole[:1])
    half = newton_target(LOSS, y.half(), x.float(), curvature=LevenbergMarquardt())
    assert half.dtype == torch.float16
    assert torch.isfinite(half).all()


def test_a_tensor_is_refused() -> None:
    y, x = decays(6)
    y.requires_grad_()
    optimizer = NewtonLossOptimizer(
        torch.optim.SGD([y], lr=1.0), curvature=LevenbergMarquardt("hessian")
    )
    before = y.detach().clone()
    with pytest.raises(TypeError, match="loss must be a callable for a curvature that evaluates"):
        optimizer.step(lambda: (y, per_sample(y, x).mean()))
    assert torch.equal(y, before)
    assert y.grad is None


def test_a_curvature_that_delegates_must_say_so() -> None:
    class Delegating:
        needs = "gauss_newton"

        def newton_step(self, derivatives: Any, damping: Any) -> Tensor:
            return LevenbergMarquardt().newton_step(derivatives, damping)

    class DelegatingAndSaying(Delegating):
        revisits = True
        default_damping = LevenbergMarquardt.default_damping

    y, x = decays(7)
    assert isinstance(Delegating(), SupportsNewtonStep)
    with pytest.raises(
        ValueError, match=r"must hold the loss elsewhere, got None.*revisits = True"
    ):
        newton_target(LOSS, y, x, curvature=Delegating())
    expected = newton_target(LOSS, y, x, curvature=LevenbergMarquardt())
    assert_close(newton_target(LOSS, y, x, curvature=DelegatingAndSaying()), expected)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"factors": ()}, ValueError, "factors must not be empty"),
        ({"factors": 1.0}, TypeError, "factors must be a sequence of numbers, got float"),
        ({"factors": "123"}, TypeError, "factors must be a sequence of numbers, got str"),
        ({"factors": (1.0, 0.0)}, ValueError, "factors must be above 0, got 0"),
        ({"factors": (1.0, "2")}, TypeError, "factors must be a real number"),
        ({"factors": (1.0, float("inf"))}, ValueError, "factors must be finite"),
        ({"max_step": 0.0}, ValueError, "max_step must be above 0"),
        ({"max_step": "1"}, TypeError, "max_step must be a real number"),
        ({"steps": 0}, ValueError, "steps must be at least 1, got 0"),
        ({"steps": 1.0}, TypeError, "steps must be an integer"),
    ],
)
def test_bad_options(options: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        LevenbergMarquardt(**options)


@pytest.mark.parametrize(("curvature", "error"), [("newton", ValueError), (3, TypeError)])
def test_bad_curvatures(curvature: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="curvature must be"):
        LevenbergMarquardt(curvature)


def test_it_asks_for_what_the_other_curvature_needs() -> None:
    assert LevenbergMarquardt("fisher").request.needs == "gradient"
    checked = LevenbergMarquardt(Hessian(chunk_size=2, check_independence=True)).request
    assert (checked.needs, checked.chunk_size, checked.check_independence) == ("hessian", 2, True)
    assert "factors=(10.0, 1.0, 0.1)" in repr(NewtonLoss(LOSS, curvature=LevenbergMarquardt()))
