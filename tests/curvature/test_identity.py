"""The plain gradient."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given

from newton_optim import Identity, LossDerivatives, RelativeDamping
from tests.asserts import assert_close
from tests.strategies import Problem, arriving, dampings, problems, routes


@pytest.mark.parametrize(
    ("damping", "factor"), [(None, 1), (0, 1), (1.0, 2), (RelativeDamping(3), 4)]
)
def test_the_gradient_over_one_plus_damping(
    damping: float | RelativeDamping | None, factor: float
) -> None:
    g = torch.randn(4, 3)
    step = Identity().newton_step(LossDerivatives(torch.zeros(4), g), damping)
    torch.testing.assert_close(step, g / factor)


@given(problems(dtype=torch.float64), routes(), dampings)
def test_identity_divides_by_one_plus_damping(
    problem: Problem, route: tuple[str, str], damping: float
) -> None:
    step = arriving(problem, route, curvature=Identity(), damping=damping)
    assert_close(step, problem.gradient / (1 + damping))
