"""λ, absolute and relative."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given

from newton_optim import EmpiricalFisher, Hessian, LossDerivatives, RelativeDamping
from newton_optim.curvature._damping import check_damping, resolve_damping, scaled
from tests.asserts import assert_close, outer_products, reference_step
from tests.settings import DEVICE
from tests.strategies import (
    LOSS,
    Problem,
    arriving,
    injected_gradient,
    problems,
    routes,
    seeds,
)


def test_relative_damping_is_a_value() -> None:
    assert RelativeDamping(torch.tensor(0.5)) == RelativeDamping(0.5)
    assert {RelativeDamping(0.5): 1}[RelativeDamping(0.5)] == 1
    with pytest.raises(AttributeError):
        RelativeDamping(0.5).c = 1.0


@pytest.mark.parametrize(
    ("c", "error"),
    [(-1.0, ValueError), (float("nan"), ValueError), ("0.1", TypeError), (None, TypeError)],
)
def test_bad_factors(c: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="damping: c must be"):
        RelativeDamping(c)


def test_none_is_the_default_and_zero_is_not() -> None:
    assert check_damping(None, 1.0) == 1.0
    assert check_damping(0, 1.0) == 0.0
    assert check_damping(RelativeDamping(0.0), 1.0) == RelativeDamping(0.0)


def test_relative_to_what() -> None:
    assert resolve_damping(RelativeDamping(0.5), torch.tensor(4.0)) == 2.0
    assert resolve_damping(0.5, torch.tensor(4.0)) == 0.5


def test_a_shared_damping_is_relative_to_the_mean_of_all_matrices() -> None:
    sizes = torch.tensor([1.0, 3.0, 8.0])
    shared = RelativeDamping(0.5, shared=True)
    assert resolve_damping(shared, sizes).tolist() == [2.0, 2.0, 2.0]
    assert resolve_damping(RelativeDamping(0.5), sizes).tolist() == [0.5, 1.5, 4.0]
    assert resolve_damping(shared, 4.0) == 2.0
    assert scaled(shared, 4.0) == RelativeDamping(2.0, shared=True)
    assert scaled(0.5, 4.0) == 2.0
    assert shared != RelativeDamping(0.5)
    with pytest.raises(TypeError, match="damping: shared must be a bool"):
        RelativeDamping(0.5, shared=1)


@given(seeds)
def test_a_shared_damping_of_hessians(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    draw = torch.randn(4, 3, 3, generator=generator, dtype=torch.float64, device="cpu").to(DEVICE)
    H, g = draw @ draw.mT, draw[:, 0]
    mean = H.diagonal(dim1=-2, dim2=-1).mean()
    derivatives = LossDerivatives(g.sum(-1), g, H)
    curvature = Hessian(scope="sample")
    found = curvature.newton_step(derivatives, RelativeDamping(0.3, shared=True))
    assert_close(found, curvature.newton_step(derivatives, 0.3 * float(mean)))
    batch = Hessian()
    found = batch.newton_step(derivatives, RelativeDamping(0.3, shared=True))
    assert_close(found, batch.newton_step(derivatives, RelativeDamping(0.3)))


@given(problems(kind="indefinite"), routes())
def test_default_dampings_and_presets(problem: Problem, route: tuple[str, str]) -> None:
    g, H, F = problem.gradient, problem.hessian, outer_products(problem.gradient)
    hessian = reference_step(g, H, eigenvalues="absolute", damping=0.1, relative=True)
    assert_close(arriving(problem, route), hessian, problem.dtype)
    assert_close(arriving(problem, route, curvature="hessian"), hessian, problem.dtype)
    assert_close(arriving(problem, route, curvature=Hessian()), hessian, problem.dtype)
    fisher = reference_step(g, F, damping=1.0)
    assert_close(arriving(problem, route, curvature="fisher"), fisher, problem.dtype)
    assert_close(arriving(problem, route, curvature=EmpiricalFisher()), fisher, problem.dtype)
    assert_close(arriving(problem, route, curvature="identity"), g, problem.dtype)
    injected = injected_gradient(problem.outputs, lambda y: LOSS(y, *problem.args))
    assert_close(len(g) * injected, fisher, problem.dtype)
