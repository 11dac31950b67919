"""Samples that are not finite: left out, counted, or refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import newton_optim
from newton_optim import Hessian
from tests.asserts import (
    assert_close,
    assert_finite_parameters,
    damped_solve,
    outer_products,
    reference_step,
)
from tests.strategies import (
    LOSS,
    Problem,
    arriving_gradient,
    problems,
    reductions,
    routes,
    to_array,
)

PLACES = ("outputs", "gradient", "hessian")
BAD = (float("nan"), float("inf"), -float("inf"))
places = st.sampled_from(PLACES)
bads = st.sampled_from(BAD)


class Poisoned:
    """A loss with derivatives of which one sample's gradient or Hessian is replaced."""

    def __init__(self, problem: Problem, place: str, sample: int, bad: float) -> None:
        self.problem, self.place, self.sample, self.bad = problem, place, sample, bad

    def __call__(self, outputs: Any) -> Tensor:
        return LOSS(outputs, *self.problem.args)

    def derivatives(self, outputs: Any) -> newton_optim.LossDerivatives:
        problem, dtype = self.problem, self.problem.dtype
        gradient = torch.tensor(problem.gradient, dtype=dtype)
        hessian = torch.tensor(problem.hessian, dtype=dtype)
        if self.place == "gradient":
            gradient[self.sample, -1] = self.bad
        if self.place == "hessian":
            hessian[self.sample, 0, -1] = hessian[self.sample, -1, 0] = self.bad
        return newton_optim.LossDerivatives(self(outputs), gradient, hessian)


def poisoned_outputs(problem: Problem, sample: int, bad: float) -> Tensor:
    """The outputs `(N, m)` with one entry of one sample replaced."""
    outputs: Tensor = problem.outputs.clone()
    outputs[sample, 0] = bad
    return outputs


def step_without(problem: Problem, sample: int, curvature: str, damping: float) -> Any:
    """The reference step, the sample left out of C but counted in N."""
    good = np.arange(len(problem.y)) != sample
    C = problem.hessian if curvature == "hessian" else outer_products(problem.gradient)
    C = C[good].sum(axis=0) / len(good)
    step = np.zeros_like(problem.y)
    step[good] = damped_solve(C, problem.gradient[good], damping=damping)
    return step


@given(problems(structure=(3,)), st.data(), places, bads, reductions)
def test_a_bad_sample_of_known_derivatives(
    problem: Problem, data: st.DataObject, place: str, bad: float, reduction: str
) -> None:
    sample = data.draw(st.integers(0, len(problem.y) - 1))
    y = poisoned_outputs(problem, sample, bad) if place == "outputs" else problem.outputs
    curvatures = ["hessian", "fisher"] if place != "hessian" else ["hessian"]
    for curvature in curvatures:
        leaf = y.clone().requires_grad_()
        loss = newton_optim.newton_loss(
            Poisoned(problem, place, sample, bad),
            leaf,
            curvature=curvature,
            damping=0.3,
            reduction=reduction,
        )
        loss.backward()
        scale = len(y) if reduction == "mean" else 1
        assert leaf.grad is not None
        expected = step_without(problem, sample, curvature, 0.3)
        assert_close(scale * leaf.grad, expected, problem.dtype)
        assert not leaf.grad[sample].any()
        if place != "outputs":
            value = problem.value.mean() if reduction == "mean" else problem.value.sum()
            assert_close(loss, value, problem.dtype)


@given(problems(structure=(3,)), routes(), st.data(), bads, reductions)
def test_a_bad_output_through_every_entry_point(
    problem: Problem, route: tuple[str, str], data: st.DataObject, bad: float, reduction: str
) -> None:
    sample = data.draw(st.integers(0, len(problem.y) - 1))
    y = poisoned_outputs(problem, sample, bad)
    for curvature in ["hessian", "fisher", "identity"]:
        options: dict[str, Any] = {"curvature": curvature, "damping": 0.3}
        step = arriving_gradient(*route, y, LOSS, problem.args, reduction=reduction, **options)
        if route[0] == "newton_target":  # z* = y there: NaN - NaN says nothing.
            step[sample] = 0
        expected = step_without(problem, sample, curvature, 0.3)
        if curvature == "identity":
            good = np.arange(len(y)) != sample
            expected = problem.gradient * good[:, None] / 1.3
        scale = len(y) if reduction == "mean" else 1
        assert_close(scale * step, expected, problem.dtype)


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("form", ["tensor", "callable"])
def test_the_target_of_a_bad_output_is_that_output(bad: float, form: str) -> None:
    y = torch.randn(3, 2)
    y[1, 0] = bad
    y.requires_grad_()
    loss: Any = lambda y: y.square().sum(dim=1)  # noqa: E731
    z_star = newton_optim.newton_target(loss(y) if form == "tensor" else loss, y)
    assert torch.equal(z_star[1].nan_to_num(), y[1].nan_to_num())
    assert z_star[[0, 2]].isfinite().all()


@given(problems(structure=(3,), dtype=torch.float64), st.sampled_from(["sample", "joint"]), bads)
def test_bad_samples_of_the_other_scopes(problem: Problem, scope: str, bad: float) -> None:
    y = poisoned_outputs(problem, 0, bad).requires_grad_()
    curvature = Hessian(scope=scope, eigenvalues="raw")
    newton_optim.newton_loss(
        LOSS, y, *problem.args, curvature=curvature, damping=0.3, reduction="sum"
    ).backward()
    expected = reference_step(problem.gradient, problem.hessian, scope="sample", damping=0.3)
    expected[0] = 0
    assert_close(y.grad, expected)


def test_one_hessian_that_blows_up_in_the_joint_matrix() -> None:
    """|y|^1.5 at 0: the other samples step as ever."""
    y = torch.tensor([[0.0, 1.0], [0.7, 2.0], [1.5, 0.3]], dtype=torch.float64)
    curvature = Hessian(scope="joint")
    loss = lambda y: y.abs().pow(1.5).sum(dim=1)  # noqa: E731
    z_star = newton_optim.newton_target(loss, y, curvature=curvature, damping=0.3)
    gradient, diagonal = 1.5 * y[1:].sqrt(), 0.75 / y[1:].sqrt()
    assert torch.equal(z_star[0], y[0])
    assert_close(z_star[1:], y[1:] - gradient / (diagonal + 0.3))


@pytest.mark.parametrize("curvature", ["hessian", "fisher", "identity"])
@pytest.mark.parametrize("form", ["scalar", "vector", "callable"])
def test_gradients_and_hessians_that_blow_up(curvature: str, form: str) -> None:
    """|y|^p at 0: an infinite gradient for p = 1/2, an infinite Hessian for p = 3/2."""
    parameter = torch.tensor([[0.0, 1.0], [0.7, 2.0], [1.5, 0.3]], dtype=torch.float64)
    for power, bad in [(0.5, True), (1.5, curvature == "hessian")]:
        y = parameter.clone().requires_grad_()

        def losses(y: Tensor, power: float = power) -> Tensor:
            return y.abs().pow(power).sum(dim=1) + y.square().sum(dim=1)

        loss: Any = {"scalar": losses(y).mean(), "vector": losses(y), "callable": losses}[form]
        newton_optim.newton_loss(
            loss, y, curvature=curvature, damping=0.3, reduction="mean"
        ).backward()
        v = to_array(y)
        g = power * np.abs(v[1:]) ** (power - 1) + 2 * v[1:]
        if not bad:
            continue
        H = power * (power - 1) * np.abs(v[1:]) ** (power - 2) + 2
        C = {
            "hessian": np.diag(H.sum(axis=0) / 3),
            "fisher": g.T @ g / 3,
            "identity": np.eye(2),
        }[curvature]
        eigenvalues = "absolute" if curvature == "hessian" else "raw"
        step = damped_solve(C, g, damping=0.3, eigenvalues=eigenvalues)
        assert y.grad is not None
        assert_close(3 * y.grad[1:], step)
        assert not y.grad[0].any()


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
