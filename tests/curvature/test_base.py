"""What the library asks of a curvature, its own or the user's."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from torch import Tensor

import newton_optim
from newton_optim import Hessian
from newton_optim.curvature import Curvature
from tests.asserts import assert_close
from tests.strategies import Problem, arriving, problems, reductions, routes


class HalfStep:
    """A user's own curvature."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def newton_step(self, derivatives: newton_optim.LossDerivatives, damping: Any) -> Tensor:
        self.seen.append((derivatives, damping))
        return 0.5 * derivatives.gradient


@given(problems(dtype=torch.float64), routes(), reductions)
def test_a_users_own_curvature(problem: Problem, route: tuple[str, str], reduction: str) -> None:
    curvature = HalfStep()
    step = arriving(problem, route, curvature=curvature, damping=0.25, reduction=reduction)
    assert_close(step, 0.5 * problem.gradient)
    ((derivatives, damping),) = curvature.seen
    assert float(damping) == 0.25
    assert_close(derivatives.gradient, problem.gradient)
    assert_close(derivatives.hessian, problem.hessian)
    assert derivatives.value.shape == (len(step),)
    assert_close(derivatives.value.mean(), problem.value.mean())  # A scalar hides the samples'.


def test_repr_names_the_options() -> None:
    text = repr(Hessian(scope="sample", eigenvalues="raw"))
    assert "scope='sample'" in text
    assert "eigenvalues='raw'" in text


def test_a_users_own_curvature_without_a_default_is_given_no_damping() -> None:
    curvature = HalfStep()
    newton_optim.newton_target(lambda y: y.square().sum(1), torch.ones(2, 3), curvature=curvature)
    assert curvature.seen[0][1] == 0.0


def test_a_curvature_of_the_library_must_solve() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Curvature()  # type: ignore[abstract]
