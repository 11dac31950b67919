"""What is reported of samples that are not finite."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import newton_optim
from tests.asserts import (
    assert_close,
    assert_finite_parameters,
)
from tests.strategies import (
    LOSS,
    Problem,
    arriving_gradient,
    problems,
    routes,
)
from tests.test_nonfinite import bads, step_without


@given(problems(structure=(3,)), bads, st.booleans())
def test_a_bad_incoming_gradient_through_the_backward_pass(
    problem: Problem, bad: float, as_module: bool
) -> None:
    y = problem.outputs.clone().requires_grad_()
    module = newton_optim.InjectFisher(damping=0.3)
    injected = module(y) if as_module else newton_optim.inject_fisher(y, 0.3)
    gradient = torch.tensor(problem.gradient / len(y), dtype=problem.dtype)
    gradient[0, 1] = bad
    torch.autograd.backward(injected, gradient)
    expected = step_without(problem, 0, "fisher", 0.3)
    assert y.grad is not None
    assert_close(len(y) * y.grad, expected, problem.dtype)
    assert not y.grad[0].any()


@given(problems(structure=(3,), max_samples=3), routes(), bads)
def test_nothing_but_bad_samples(problem: Problem, route: tuple[str, str], bad: float) -> None:
    y = torch.full_like(problem.outputs, bad)
    for curvature in ["hessian", "fisher", "identity"]:
        step = arriving_gradient(*route, y, LOSS, problem.args, curvature=curvature)
        if route[0] != "newton_target":
            assert not step.any()


@pytest.mark.parametrize("curvature", ["hessian", "fisher", "identity"])
@pytest.mark.parametrize("entry_point", ["newton_loss", "step"])
@pytest.mark.parametrize("form", ["tensor", "callable"])
def test_the_value_is_not_hidden_and_no_parameter_becomes_nan(
    curvature: str, entry_point: str, form: str
) -> None:
    net = torch.nn.Linear(3, 2)
    x, scale = torch.randn(4, 3), torch.tensor([1.0, float("nan"), 1.0, float("inf")])

    def losses(y: Tensor) -> Tensor:
        return scale * y.square().sum(dim=1)

    y = net(x)
    loss: Any = losses(y).mean() if form == "tensor" else losses
    base = torch.optim.Adam(net.parameters())
    before = net.weight.detach().clone()
    if entry_point == "step":
        optimizer = newton_optim.NewtonLossOptimizer(base, curvature=curvature)
        value = optimizer.step(lambda: (y, loss))
        assert optimizer.diagnostics["nonfinite_samples"] == 2
    else:
        value = newton_optim.newton_loss(loss, y, curvature=curvature)
        value.backward()
        base.step()
    assert value.isnan()
    assert_finite_parameters(net)
    assert not torch.equal(net.weight, before)


def test_counts_of_the_last_step_and_in_total() -> None:
    parameter = torch.ones(3, 2, requires_grad=True)
    optimizer = newton_optim.NewtonLossOptimizer(torch.optim.SGD([parameter], lr=0.0))
    for bad, total in [(1, 1), (2, 3), (0, 3)]:
        scale = torch.ones(3)
        scale[:bad] = float("nan")
        optimizer.step(lambda scale=scale: (parameter * 1, lambda y: scale * y.square().sum(dim=1)))
        assert optimizer.diagnostics["nonfinite_samples"] == bad
        assert optimizer.diagnostics["total_nonfinite_samples"] == total
        assert optimizer.diagnostics["fallbacks"] == 0
        assert optimizer.diagnostics["total_fallbacks"] == 0


@pytest.mark.parametrize("curvature", ["hessian", "fisher", "identity"])
@pytest.mark.parametrize("form", ["tensor", "callable"])
def test_error_on_nonfinite_raises_and_changes_nothing(curvature: str, form: str) -> None:
    parameter = torch.ones(3, 2, requires_grad=True)
    parameter.grad = torch.full((3, 2), 7.0)
    scale = torch.tensor([1.0, float("nan"), 1.0])

    def losses(y: Tensor) -> Tensor:
        return scale * y.square().sum(dim=1)

    options: dict[str, Any] = {"curvature": curvature, "error_on_nonfinite": True}
    base = torch.optim.Adam([parameter])
    optimizer = newton_optim.NewtonLossOptimizer(base, **options)
    attempts: list[Any] = [
        lambda y, loss: newton_optim.newton_target(loss, y, **options),
        lambda y, loss: newton_optim.newton_loss(loss, y, **options),
        lambda y, loss: newton_optim.NewtonLoss(losses, **options)(y),
        lambda y, loss: optimizer.step(lambda: (y, loss)),
        lambda y, loss: optimizer.backward(y, loss),
    ]
    for attempt in attempts:
        y = parameter * 1
        loss: Any = losses(y) if form == "tensor" else losses
        with pytest.raises(ValueError, match="finite"):
            attempt(y, loss)
        assert torch.equal(parameter, torch.ones(3, 2))
        assert torch.equal(parameter.grad, torch.full((3, 2), 7.0))
        assert not base.state


@pytest.mark.parametrize("curvature", ["hessian", "fisher", "identity"])
def test_error_on_nonfinite_changes_nothing_where_all_is_well(curvature: str) -> None:
    y = torch.randn(4, 3)
    options: dict[str, Any] = {"curvature": curvature, "damping": 0.5}
    loss = lambda y: y.cosh().sum(dim=1)  # noqa: E731
    expected = newton_optim.newton_target(loss, y, **options)
    z_star = newton_optim.newton_target(loss, y, error_on_nonfinite=True, **options)
    assert torch.equal(z_star, expected)


def test_error_on_nonfinite_changes_nothing_in_a_backward_pass_that_is_well() -> None:
    gradients = []
    for error_on_nonfinite in (False, True):
        y = torch.ones(4, 3, requires_grad=True)
        newton_optim.inject_fisher(y, error_on_nonfinite=error_on_nonfinite).cosh().sum().backward()
        assert y.grad is not None
        gradients.append(y.grad)
    assert torch.equal(*gradients)


def test_error_on_nonfinite_raises_for_a_singular_matrix() -> None:
    y = torch.ones(1, 3, requires_grad=True)
    options: dict[str, Any] = {"damping": 0.0, "error_on_nonfinite": True}
    with pytest.raises(ValueError, match=r"C . damping must be invertible"):
        newton_optim.newton_target(y.square().sum(dim=1), y, curvature="fisher", **options)
    with pytest.raises(ValueError, match=r"F . damping invertible"):
        newton_optim.inject_fisher(y, **options).square().sum().backward()
    assert y.grad is None


@pytest.mark.parametrize("as_module", [False, True])
def test_error_on_nonfinite_in_the_backward_pass(as_module: bool) -> None:
    y = torch.ones(3, 2, requires_grad=True)
    if as_module:
        injected = newton_optim.InjectFisher(error_on_nonfinite=True)(y)
    else:
        injected = newton_optim.inject_fisher(y, error_on_nonfinite=True)
    with pytest.raises(ValueError, match="finite"):
        (injected * torch.tensor([1.0, float("nan")])).sum().backward()
    assert y.grad is None
