"""The rounding of a loss is measured: it is that of float32, and that of no choice."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from newton_optim.testing._case import Case
from newton_optim.testing._own_rounding import own_rounding
from newton_optim.testing._quantities import gradient, hessian, value
from newton_optim.testing._rounding import EPS

EPS32 = EPS[torch.float32]
Y = torch.tensor([[1000.0, 1001.0, 999.5], [2.0, 1.0, -1.0]])


def moments(y: Tensor) -> Tensor:
    return y.square().mean(-1) - y.mean(-1).square()


def case_of(loss: Callable[[Tensor], Tensor], y: Tensor = Y) -> Case:
    return Case.checked(loss, y, (), "mean")


def test_cancellation_is_measured() -> None:
    far, near = own_rounding(case_of(moments), value, EPS32).tolist()
    # One rounding of a square of 1000 is 0.06.
    assert 0.01 < far < 1.0
    assert 1e-9 < near < 1e-5


def test_it_is_the_error_of_float32_up_to_a_small_factor() -> None:
    y = 1000 + torch.randn(32, 5)
    case = case_of(moments, y)
    single = case.to(torch.float32)
    error = (value(single).double() - value(case)).abs().amax()
    measured = own_rounding(case, value, EPS32).amax()
    assert measured / 8 < error < 8 * measured


@pytest.mark.parametrize("quantity", [value, gradient, hessian])
def test_it_is_proportional_to_the_rounding_of_one_operator(
    quantity: Callable[[Case], Tensor],
) -> None:
    case = case_of(lambda y: (y.square() * y.sin()).sum(-1))
    once, twice = (own_rounding(case, quantity, eps) for eps in (1e-9, 2e-9))
    assert (once > 0).all()
    torch.testing.assert_close(twice, 2 * once, rtol=1e-2, atol=0.0)


def test_operators_that_choose_do_not_round() -> None:
    def chosen(y: Tensor) -> Tensor:
        return torch.cat([y, -y], dim=1).sort(dim=1).values.clamp(min=0.0)[:, -1].reshape(-1)

    assert own_rounding(case_of(chosen), value, EPS32).tolist() == [0.0, 0.0]


def test_second_derivatives_without_a_batching_rule_are_measured() -> None:
    case = case_of(lambda y: y.abs().log().sum(-1))
    assert (own_rounding(case, hessian, EPS32) > 0).all()
    exact = own_rounding(case, hessian, 0.0)
    assert exact.amax() < 1e-15 * hessian(case).norm()


@pytest.mark.parametrize("quantity", [value, gradient, hessian])
def test_a_loss_that_uses_vmap(quantity: Callable[[Case], Tensor]) -> None:
    case = case_of(torch.func.vmap(lambda row: (row.square() * row.sin()).sum()))
    assert own_rounding(case, quantity, EPS32).isfinite().all()


def test_views_do_not_round_what_they_show() -> None:
    y = Y.double()
    case = case_of(lambda y: y.mT.reshape(3, 2)[0] * 1, y)
    assert own_rounding(case, value, EPS32).amax() <= EPS32 * y.abs().amax()


def test_a_loss_that_breaks_meanwhile_has_no_measured_rounding() -> None:
    def refuses_rounded(y: Tensor) -> Tensor:
        twice = 2 * y
        if not torch.equal(twice, y + y):
            raise ValueError("rounded")
        return twice.sum(-1)

    assert own_rounding(case_of(refuses_rounded), value, EPS32).tolist() == [0.0, 0.0]
