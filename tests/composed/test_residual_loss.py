"""A loss from a callable that returns residuals."""

from __future__ import annotations

from functools import partial
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
    newton_loss,
    newton_target,
)
from tests.asserts import assert_close
from tests.composed.test_composed_loss import inner, outputs_and_truth


def residuals(y: Tensor, x: Tensor, *, scale: float = 1.0) -> Tensor:
    return scale * (inner(y) - x)


@pytest.mark.parametrize("scope", ["batch", "sample"])
@pytest.mark.parametrize("outer", [SquaredLoss(), HuberLoss(delta=0.3)], ids=repr)
def test_it_is_a_composed_loss(outer: Any, scope: str) -> None:
    y, x = outputs_and_truth(0)
    curvature = GaussNewton(max_step=None, scope=scope)
    expected = newton_target(ComposedLoss(inner, outer), y, x, curvature=curvature)
    loss = ResidualLoss(residuals, outer=outer)
    assert_close(newton_target(loss, y, x, curvature=curvature), expected)
    assert_close(newton_loss(loss, y, x, curvature=curvature), outer(inner(y), x))


def test_arguments_reach_the_residuals() -> None:
    y, x = outputs_and_truth(1)
    loss = ResidualLoss(residuals)
    expected = newton_target(
        ResidualLoss(lambda y: 2 * (inner(y) - x)), y, curvature=GaussNewton(max_step=None)
    )
    for bound in (partial(loss, scale=2.0), partial(loss, x=x, scale=2.0)):
        args = (x,) if "x" not in bound.keywords else ()
        assert_close(newton_target(bound, y, *args, curvature=GaussNewton(max_step=None)), expected)
    assert_close(loss(y, x, scale=2.0), 4 * loss(y, x))


def test_outer_parts_by_name() -> None:
    y, x = outputs_and_truth(2)
    r = residuals(y, x)
    assert_close(ResidualLoss(residuals)(y, x), SquaredLoss()(r))
    assert_close(ResidualLoss(residuals, outer="huber")(y, x), HuberLoss()(r))
    assert_close(ResidualLoss(residuals, reduction="none")(y, x), 0.5 * r.square().sum(-1))
    assert_close(ResidualLoss(residuals, outer=lambda r: r.pow(4).mean())(y, x), r.pow(4).mean())


def test_one_residual_per_sample_may_be_a_vector() -> None:
    y, x = outputs_and_truth(3)
    first = ResidualLoss(lambda y: residuals(y, x)[:, 0])
    column = ResidualLoss(lambda y: residuals(y, x)[:, :1])
    options: Any = {"curvature": GaussNewton(max_step=None)}
    assert_close(newton_target(first, y, **options), newton_target(column, y, **options))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_outputs_of_half_precision(dtype: torch.dtype) -> None:
    y, x = outputs_and_truth(4)
    half = y.to(dtype)
    z_star = newton_target(
        ResidualLoss(residuals), half, x.float(), curvature=GaussNewton(max_step=None)
    )
    expected = newton_target(
        ResidualLoss(residuals), half.float(), x.float(), curvature=GaussNewton(max_step=None)
    )
    assert z_star.dtype == dtype
    assert torch.equal(z_star, expected.to(dtype))


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        (lambda y: y[:2], ValueError, r"residuals\(outputs\) must have the 4 samples .* got 2"),
        (lambda y: y[:, :0], ValueError, r"residuals\(outputs\) must not be empty"),
        (lambda y: y.sum(), ValueError, r"residuals\(outputs\) must have shape \(N, \*event\)"),
        (lambda y: torch.zeros(4, 2), ValueError, "residuals must be computed from the outputs"),
        (lambda y: 1.0, TypeError, r"residuals\(outputs\) must be a tensor"),
        (lambda y: y.long(), TypeError, "must be a floating-point tensor"),
        (lambda y: {"r": y}, TypeError, "result must be a tensor, got dict"),
    ],
)
def test_residuals_that_cannot_be_used(function: Any, error: type[Exception], message: str) -> None:
    y, _ = outputs_and_truth(5)
    with pytest.raises(error, match=message):
        newton_target(ResidualLoss(function), y, curvature=GaussNewton(max_step=None))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: ResidualLoss(1), TypeError, "residuals must be a callable, got int"),
        (lambda: ResidualLoss(residuals, outer=1), TypeError, "outer must be a callable, got int"),
        (lambda: ResidualLoss(residuals, outer=HuberLoss), TypeError, "outer must be a callable"),
        (lambda: ResidualLoss(residuals, outer="l1"), ValueError, "outer must be one of 'squared'"),
        (lambda: ResidualLoss(residuals, reduction="max"), ValueError, "reduction must be one of"),
        (
            lambda: ResidualLoss(residuals, outer=SquaredLoss(), reduction="sum"),
            ValueError,
            "reduction must be left out where outer is a module",
        ),
        (lambda: ResidualLoss(residuals, "huber"), TypeError, "positional argument"),
    ],
)
def test_bad_options(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make()


def test_samples_whose_residuals_are_not_finite_are_left_out() -> None:
    y, x = outputs_and_truth(6)
    broken = torch.tensor([False, True, False, True])

    def partly(y: Tensor) -> Tensor:
        return residuals(y, x) * torch.where(broken[:, None].to(y.device), torch.nan, 1.0)

    for scope in ("batch", "sample"):
        z_star = newton_target(
            ResidualLoss(partly), y, curvature=GaussNewton(max_step=None, scope=scope)
        )
        assert torch.equal(z_star[broken], y[broken])
        assert bool((z_star[~broken] != y[~broken]).any())
        assert bool(torch.isfinite(z_star).all())


def test_one_sample() -> None:
    y, x = outputs_and_truth(7)
    whole = newton_target(
        ResidualLoss(residuals),
        y,
        x,
        curvature=GaussNewton(max_step=None, scope="sample"),
        damping=0.1,
    )
    one = newton_target(
        ResidualLoss(residuals),
        y[:1],
        x[:1],
        curvature=GaussNewton(max_step=None, scope="sample"),
        damping=0.1,
    )
    assert_close(one, whole[:1])


def test_counts_need_a_target() -> None:
    """A Poisson part of residuals would be that of counts that are all zero."""
    y, x = outputs_and_truth(8)
    rates = ComposedLoss(lambda y: inner(y), PoissonLoss())
    z_star = newton_target(rates, y, x.abs().round(), curvature=GaussNewton(max_step=None))
    assert bool(torch.isfinite(z_star).all())
