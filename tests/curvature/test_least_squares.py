"""The damped least-squares step against NumPy, and what float32 keeps of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from newton_optim import RelativeDamping
from newton_optim._derivatives import ResidualForm
from newton_optim.curvature._least_squares import solve_residual_form
from newton_optim.curvature._solve import Solution
from tests.asserts import assert_close
from tests.settings import DEVICE
from tests.strategies import positive_dampings, seeds

sizes = st.tuples(st.integers(1, 5), st.integers(1, 6), st.integers(1, 6))


def random_form(seed: int, n: int, k: int, m: int) -> ResidualForm:
    generator = torch.Generator().manual_seed(seed)
    A = torch.randn(n, k, m, generator=generator, dtype=torch.float64, device="cpu")
    b = torch.randn(n, k, generator=generator, dtype=torch.float64, device="cpu")
    return ResidualForm(A.to(DEVICE), b.to(DEVICE))


def conditioned(condition: float, dtype: torch.dtype, k: int = 12, m: int = 4) -> ResidualForm:
    """Jacobians with singular values from 1 down to 1/condition."""
    form = random_form(0, 3, k, m)
    U, _, Vh = torch.linalg.svd(form.jacobian, full_matrices=False)
    values = torch.logspace(0, -float(np.log10(condition)), min(k, m), dtype=torch.float64)
    A = U * values.to(DEVICE) @ Vh
    return ResidualForm(A.to(dtype), form.residual.to(dtype))


def solve(form: ResidualForm, damping: float | RelativeDamping) -> Solution:
    return solve_residual_form(form, form.gradient(), damping)


def exact_step(form: ResidualForm, lam: np.ndarray) -> np.ndarray:
    """By NumPy's least squares of `[A; √λ I]` in float64, the minimum-norm solution."""
    steps = []
    for A, b, own in zip(
        *(t.double().cpu().numpy() for t in vars(form).values()), lam, strict=True
    ):
        stacked = np.vstack([A, np.sqrt(own) * np.eye(A.shape[1])])
        steps.append(np.linalg.lstsq(stacked, np.concatenate([b, np.zeros(A.shape[1])]))[0])
    return np.stack(steps)


def dampings_of(
    form: ResidualForm, c: float, kind: str
) -> tuple[float | RelativeDamping, np.ndarray]:
    """A damping of this kind, and its λ for every sample."""
    A = form.jacobian.double().cpu().numpy()
    mean = (A**2).sum((1, 2)) / A.shape[2]
    if kind == "absolute":
        return c, np.full(len(A), c)
    if kind == "relative":
        return RelativeDamping(c), c * mean
    return RelativeDamping(c, shared=True), np.full(len(A), c * mean.mean())


@given(seeds, sizes, positive_dampings, st.sampled_from(["absolute", "relative", "shared"]))
def test_the_step_is_that_of_least_squares(
    seed: int, shape: tuple[int, int, int], c: float, kind: str
) -> None:
    form = random_form(seed, *shape)
    damping, lam = dampings_of(form, c, kind)
    found = solve(form, damping)
    assert_close(found.step, exact_step(form, lam))
    assert_close(torch.as_tensor(found.damping), lam.mean())
    assert int(found.fallbacks) == 0


@pytest.mark.parametrize(
    ("dtype", "condition", "error"),
    [(torch.float32, 1e4, 1e-3), (torch.float64, 1e4, 1e-10), (torch.float64, 1e10, 1e-4)],
)
@pytest.mark.parametrize("shape", [(12, 4), (4, 12)])
def test_the_condition_is_not_squared(
    dtype: torch.dtype, condition: float, error: float, shape: tuple[int, int]
) -> None:
    """With the square, float32 has no digit left at 1e4, and float64 none at 1e10."""
    form = conditioned(condition, dtype, *shape)
    expected = exact_step(form, np.full(3, 0.0))
    step = solve(form, 0.0).step.double().cpu().numpy()
    assert np.abs(step - expected).max() < error * np.abs(expected).max()


def test_without_damping_more_outputs_than_residuals_give_the_shortest_solution() -> None:
    form = random_form(1, 4, 2, 5)
    found = solve(form, 0.0)
    assert_close((form.jacobian @ found.step[..., None])[..., 0], form.residual)
    assert_close(found.step, exact_step(form, np.zeros(4)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_singular_jacobian_without_damping_gives_the_gradient(dtype: torch.dtype) -> None:
    form = random_form(2, 3, 5, 3)
    A = form.jacobian.clone()
    A[1, :, 2] = A[1, :, 0] + A[1, :, 1]
    form = ResidualForm(A.to(dtype), form.residual.to(dtype))
    found = solve(form, 0.0)
    assert int(found.fallbacks) == 1
    assert torch.equal(found.step[1], form.gradient()[1])
    assert not torch.equal(found.step[0], form.gradient()[0])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_jacobian_of_zeros_gives_no_step(dtype: torch.dtype) -> None:
    zero = torch.zeros(2, 4, 3, dtype=dtype, device=DEVICE)
    found = solve(ResidualForm(zero, torch.ones(2, 4).to(zero)), RelativeDamping(0.1))
    assert torch.equal(found.step, torch.zeros_like(found.step))
    assert int(found.fallbacks) == 0


def test_the_form_multiplies_out() -> None:
    form = random_form(3, 2, 4, 3)
    A, b = (tensor.cpu().numpy() for tensor in vars(form).values())
    assert_close(form.matrices(), np.einsum("nki,nkj->nij", A, A))
    assert_close(form.gradient(), np.einsum("nki,nk->ni", A, b))


def limit(form: ResidualForm, c: float) -> Tensor:
    return solve(form, RelativeDamping(c)).step


@given(seeds, sizes)
def test_the_limits_of_the_damping(seed: int, shape: tuple[int, int, int]) -> None:
    """λ → ∞ is the direction of the gradient; λ → 0 the least-squares solution."""
    form = random_form(seed, *shape)
    mean = form.matrices().diagonal(dim1=-2, dim2=-1).mean(-1, keepdim=True)
    assert_close(1e10 * mean * limit(form, 1e10), form.gradient())
    residual_after = form.residual - (form.jacobian @ limit(form, 1e-12)[..., None])[..., 0]
    optimal = (form.jacobian.mT @ residual_after[..., None]).norm()
    assert float(optimal) < 1e-6 * float(form.gradient().norm() + 1.0)
