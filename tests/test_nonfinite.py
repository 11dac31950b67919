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
