"""`newton_loss` and `NewtonLoss`: the value of the loss, the gradient of its Newton loss."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import newton_optim
from tests.asserts import as_float64, assert_close
from tests.settings import DEVICE
from tests.strategies import LOSS, Problem, given_as, map_outputs, problems, reductions, routes
from tests.training import inputs, losses, network


@given(problems(), routes(), reductions)
def test_the_value_is_the_original_loss(
    problem: Problem, route: tuple[str, str], reduction: str
) -> None:
    y = map_outputs(lambda part: part.clone().requires_grad_(), problem.outputs)
    _, form = route
    loss, args = given_as(form, LOSS, y, problem.args, reduction)
    value = newton_optim.newton_loss(loss, y, *args, reduction=reduction)
    assert value.shape == ()
    expected = problem.value.mean() if reduction == "mean" else problem.value.sum()
    assert_close(value, expected, problem.dtype)
    base = torch.optim.SGD([torch.zeros(1, requires_grad=True)])
    loss, args = given_as(form, LOSS, y, problem.args, reduction)
    stepped = newton_optim.NewtonLossOptimizer(base, reduction=reduction).step(
        lambda: (y, loss, *args)
    )
    assert stepped.shape == ()
    assert not stepped.requires_grad
    assert_close(stepped, expected, problem.dtype)


@given(problems(structure=(3,)), st.sampled_from([0.5, 4.0, -2.0]), st.booleans())
def test_grad_output_multiplies_the_gradient(
    problem: Problem, factor: float, as_module: bool
) -> None:
    def backward(factor: float) -> Tensor:
        y = problem.outputs.clone().requires_grad_()
        if as_module:
            loss = newton_optim.NewtonLoss(LOSS)(y, *problem.args)
        else:
            loss = newton_optim.newton_loss(LOSS(y, *problem.args), y)
        (factor * loss).backward()
        assert y.grad is not None
        return y.grad

    assert_close(backward(factor), factor * backward(1.0), problem.dtype)


@pytest.mark.parametrize("form", ["scalar", "vector", "callable scalar", "callable vector"])
@pytest.mark.parametrize("curvature", ["hessian", "fisher", "identity"])
def test_the_value_is_detached_from_what_else_the_loss_was_made_from(
    form: str, curvature: str
) -> None:
    """`l.detach()`: a weight of the loss gets no gradient, through whichever form."""
    y = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    weight = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)

    def function(y: Tensor, weight: Tensor) -> Tensor:
        return weight * y.cosh().sum(dim=1)

    loss, args = given_as(form, function, y, (weight,), "mean")
    newton_optim.newton_loss(loss, y, *args, curvature=curvature).backward()
    assert y.grad is not None
    assert weight.grad is None


def test_a_newton_loss_adds_to_other_terms() -> None:
    y = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    total = newton_optim.newton_loss((0.5 * (y - 1).square()).sum(dim=1), y, damping=0.0)
    (total + y.sum()).backward()
    assert_close(y.grad, (as_float64(y) - 1) / 4 + 1)


def test_a_gradient_scaler_scales_the_newton_loss() -> None:
    results = []
    for scale in [None, 8.0]:
        torch.manual_seed(0)
        net = torch.nn.Linear(3, 2)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        scaler = torch.amp.GradScaler(
            DEVICE.type, init_scale=scale or 1.0, enabled=scale is not None
        )
        y = net(torch.randn(5, 3))
        loss = newton_optim.newton_loss(y.cosh().sum(dim=1), y)
        torch.autograd.backward(scaler.scale(loss))
        scaler.step(optimizer)
        scaler.update()
        results.append(net.weight.detach().clone())
    assert_close(results[1], results[0], torch.float32)


# --- The module -------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("curvature", ["hessian", "fisher"])
def test_newton_loss_without_gradients_is_the_value_alone(mode: Any, curvature: str) -> None:
    net, calls = network(), []

    def counted(y: Tensor) -> Tensor:
        calls.append(torch.is_grad_enabled())
        return losses(y)

    criterion = newton_optim.NewtonLoss(counted, curvature=curvature)
    with mode():
        y = net(inputs())
        value = criterion(y)
    assert value.shape == ()
    assert not value.requires_grad
    assert calls == [False]
    assert_close(value, losses(y.clone()).mean())


def test_newton_loss_is_a_module_that_passes_keywords_on() -> None:
    criterion = newton_optim.NewtonLoss(lambda y, *, target: (y - target).square().sum(dim=1))
    assert isinstance(criterion, torch.nn.Module)
    y, target = torch.randn(3, 2, requires_grad=True), torch.randn(3, 2)
    value = criterion(y, target=target)
    value.backward()
    assert_close(value, (y - target).square().sum(dim=1).mean(), torch.float32)
    assert isinstance(newton_optim.InjectFisher(), torch.nn.Module)
