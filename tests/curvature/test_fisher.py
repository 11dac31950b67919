"""The empirical Fisher where float32 would lose its digits, and its rank-one scopes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import newton_optim
from newton_optim import EmpiricalFisher, LossDerivatives, RelativeDamping
from newton_optim.curvature._solve import Solution
from tests.asserts import (
    as_float64,
    assert_close,
    assert_relatively_close,
    outer_products,
    reference_step,
)
from tests.strategies import Problem, arriving, problems, reductions, routes


def solve(g: torch.Tensor, damping: float | RelativeDamping, scope: str = "batch") -> Solution:
    derivatives = LossDerivatives(torch.zeros(len(g)), g)
    return EmpiricalFisher(scope=scope).solve(derivatives, damping)


@pytest.mark.parametrize(("n", "m"), [(64, 5), (5, 9), (5, 64)])
@pytest.mark.parametrize("longest", [1e2, 2e4, 1e6])
def test_one_exploding_gradient_leaves_the_others_right(n: int, m: int, longest: float) -> None:
    """What Newton losses are for: F has the square of the spread as its condition."""
    g = torch.randn(n, m)
    g[0] *= longest
    U, s, Vt = np.linalg.svd(as_float64(g), full_matrices=False)  # no product, no squared condition
    expected = (U * (s / (s**2 / n + 1.0))) @ Vt
    step = solve(g, 1.0).step
    for got, want in zip(step, expected, strict=True):
        assert_relatively_close(got, want, 1e-5)


def test_no_matrix_of_outputs_is_formed_where_samples_are_few() -> None:
    g = torch.randn(3, 200_000)  # its F would take 160 GB
    assert solve(g, 1.0).step.shape == g.shape


@pytest.mark.parametrize(("n", "m"), [(8, 3), (3, 8)])
@pytest.mark.parametrize("damping", [0.0, 1.0, RelativeDamping(0.5)])
def test_gradients_that_are_all_zero_make_no_step(
    n: int, m: int, damping: float | RelativeDamping
) -> None:
    solution = solve(torch.zeros(n, m), damping)
    assert not solution.step.any()
    assert solution.fallbacks == 0


@pytest.mark.parametrize("damping", [0.3, RelativeDamping(0.3)])
def test_scope_sample_is_sherman_morrison(damping: float | RelativeDamping) -> None:
    g = torch.randn(4, 3, dtype=torch.float64)
    step = as_float64(solve(g, damping, "sample").step)
    for g_i, s_i in zip(as_float64(g), step, strict=True):
        C = np.outer(g_i, g_i)
        lam = 0.3 if damping == 0.3 else 0.3 * np.trace(C) / 3
        np.testing.assert_allclose(np.linalg.solve(C + lam * np.eye(3), g_i), s_i, rtol=1e-9)


def test_scope_joint_is_the_batch_as_one_sample() -> None:
    g = torch.randn(4, 3, dtype=torch.float64)
    flat = as_float64(g).ravel()
    expected = np.linalg.solve(np.outer(flat, flat) + 0.5 * np.eye(12), flat).reshape(4, 3)
    np.testing.assert_allclose(as_float64(solve(g, 0.5, "joint").step), expected, rtol=1e-9)


def test_gradients_whose_squares_overflow_float32() -> None:
    g = torch.tensor([[3e25, 0.0], [0.0, 1.0]])
    expected = [[2 / 3e25, 0.0], [0.0, 1.0 / 1.5]]
    assert_relatively_close(solve(g, 1.0).step, expected, 1e-5)


@pytest.mark.parametrize("size", [1.0, 1e5])
@pytest.mark.parametrize("scope", ["batch", "sample", "joint"])
def test_rounding_is_not_a_direction(scope: str, size: float) -> None:
    """Gradients that sum to zero: F is singular along (1, ..., 1) but for rounding."""
    g = torch.randn(32, 5) * size
    g = g - g.mean(dim=1, keepdim=True)
    solution = solve(g, 0.0, scope)
    assert torch.equal(solution.step, g)
    assert int(solution.fallbacks) >= 1


@given(problems(), routes(), st.sampled_from(["batch", "sample"]), st.booleans(), reductions)
def test_fisher_against_the_dense_reference(
    problem: Problem, route: tuple[str, str], scope: str, relative: bool, reduction: str
) -> None:
    step = arriving(
        problem,
        route,
        curvature=EmpiricalFisher(scope=scope),
        damping=RelativeDamping(0.5) if relative else 0.5,
        reduction=reduction,
    )
    expected = reference_step(
        problem.gradient,
        outer_products(problem.gradient),
        scope=scope,
        eigenvalues="absolute",  # positive semi-definite: the mean eigenvalue is the trace over m
        damping=0.5,
        relative=relative,
    )
    assert_close(step, expected, problem.dtype)


def test_the_fisher_never_asks_for_the_hessian() -> None:
    class NoHessian:
        def __call__(self, y: Tensor) -> Tensor:
            return y.square().sum(dim=1)

        def derivatives(self, y: Tensor) -> newton_optim.LossDerivatives:
            def fail() -> Tensor:
                raise AssertionError("asked for the Hessian")

            return newton_optim.LossDerivatives(self(y), 2 * y, fail)

    for curvature in ["fisher", "identity"]:
        newton_optim.newton_target(NoHessian(), torch.randn(3, 2), curvature=curvature)


@pytest.mark.parametrize("zeros", [0, 1])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_without_damping_a_regular_fisher_is_solved(dtype: torch.dtype, zeros: int) -> None:
    """Its condition is the square of that of the gradients: 1e8 is regular in float32, too."""
    g = torch.tensor([[1.0, 0.0], [0.0, 1e-4], [0.0, 0.0]], dtype=dtype)[: 2 + zeros]
    solution = solve(g, 0.0)
    assert solution.fallbacks == 0
    expected = torch.tensor([[1.0, 0.0], [0.0, 1e4], [0.0, 0.0]], dtype=dtype)[: 2 + zeros]
    torch.testing.assert_close(solution.step, expected * len(g))


@pytest.mark.parametrize("scope", ["batch", "sample", "joint"])
def test_without_damping_one_output_is_solved(scope: str) -> None:
    solution = solve(torch.tensor([[4.0]]), 0.0, scope)
    assert solution.fallbacks == 0
    assert solution.step.tolist() == [[0.25]]


@pytest.mark.parametrize("scope", ["batch", "sample", "joint"])
@pytest.mark.parametrize("damping", [0.0, RelativeDamping(0.0)])
def test_without_damping_too_few_samples_fall_back(
    scope: str, damping: float | RelativeDamping
) -> None:
    g = torch.randn(1, 2)
    solution = solve(g, damping, scope)
    assert torch.equal(solution.step, g)
    assert solution.fallbacks == 1
