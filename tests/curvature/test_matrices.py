"""Steps from given matrices, one for all samples or one for each."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from newton_optim import RelativeDamping
from newton_optim.curvature import _matrices as matrices_module
from newton_optim.curvature._matrices import invert, solve_matrices
from tests.asserts import as_float64, assert_close, damped_solve
from tests.strategies import Array, matrices, positive_dampings, treatments


@given(matrices(kind="indefinite", n=3), treatments, positive_dampings, st.booleans())
def test_a_stack_of_matrices_is_inverted_one_by_one(
    stack: Array, eigenvalues: str, damping: float, relative: bool
) -> None:
    damping += 3.0  # Away from the eigenvalues, which are within ±2, and far from their mean.
    g = torch.randn(3, 2, stack.shape[-1], dtype=torch.float64)
    lam = RelativeDamping(damping) if relative else damping
    solution, failed = invert(torch.tensor(stack), g, lam, eigenvalues)
    options: dict[str, Any] = {"eigenvalues": eigenvalues, "relative": relative}
    for C, rows, step in zip(stack, g, solution.step, strict=True):
        assert_close(step, damped_solve(C, as_float64(rows), damping=damping, **options))
    # A negative definite matrix is clamped to 0, and so is a λ relative to it.
    assert not failed.any() or (relative and eigenvalues == "clamp")


@pytest.mark.parametrize("eigenvalues", ["raw", "absolute", "clamp"])
def test_only_the_symmetric_part_counts(eigenvalues: str) -> None:
    C, g = torch.randn(3, 3, dtype=torch.float64), torch.randn(2, 3, dtype=torch.float64)
    steps = [invert(M, g, 0.7, eigenvalues)[0].step for M in (C, C.mT, (C + C.mT) / 2)]
    for step in steps[:2]:
        torch.testing.assert_close(step, steps[2])


@pytest.mark.parametrize("eigenvalues", ["raw", "absolute", "clamp"])
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_matrix_that_is_not_finite_falls_back_alone(eigenvalues: str, bad: float) -> None:
    stack = torch.eye(2, dtype=torch.float64).repeat(3, 1, 1)
    stack[1, 0, 1] = bad
    g = torch.randn(3, 2, dtype=torch.float64)
    solution = solve_matrices(stack, g, 1.0, "sample", eigenvalues, None)
    assert_close(solution.step, g / torch.tensor([[2.0], [1.0], [2.0]]))
    assert int(solution.fallbacks) == 1


@pytest.mark.parametrize(
    ("eigenvalues", "mean", "largest"), [("absolute", 2.0, 3.0), ("clamp", 0.5, 1.0)]
)
def test_what_is_told_of_the_eigenvalues(eigenvalues: str, mean: float, largest: float) -> None:
    """Their range as they were, the damping and the largest one as they were treated."""
    C, g = torch.diag(torch.tensor([1.0, -3.0])), torch.ones(1, 2)
    solution, _ = invert(C, g, RelativeDamping(1.0), eigenvalues)
    assert solution.spectrum is not None
    assert [float(w) for w in solution.spectrum.extremes()] == pytest.approx([-3.0, 1.0, largest])
    assert float(solution.damping) == pytest.approx(mean)


# --- Without an eigendecomposition, as on a device --------------------------------------------

ABSENT = torch.tensor([[False, False, True, False], [False] * 4, [True, False, True, True]])
DAMPINGS = [1e-3, 1.0, RelativeDamping(0.1), RelativeDamping(1e-30), 1e-30, 0.0]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("damping", DAMPINGS, ids=str)
@pytest.mark.parametrize("eigenvalues", ["absolute", "clamp"])
@pytest.mark.parametrize("lists", [False, True])
def test_products_give_the_step_of_the_eigenvalues(
    monkeypatch: pytest.MonkeyPatch, eigenvalues: str, damping: Any, dtype: torch.dtype, lists: bool
) -> None:
    C = torch.randn(3, 4, 4, dtype=torch.float64)
    if eigenvalues == "clamp":
        C = C @ C.mT  # Otherwise a small damping multiplies the rounding of what is clamped.
    absent = ABSENT if lists else None
    if absent is not None:
        C = torch.where(absent[:, :, None] | absent[:, None, :], 0.0, C)
    C, g = C.to(dtype), torch.randn(3, 2, 4, dtype=dtype)
    expected, _ = invert(C.double(), g.double(), damping, eigenvalues, absent)
    monkeypatch.setattr(matrices_module, "has_polar_factor", lambda device: True)
    found, failed = invert(C, g, damping, eigenvalues, absent)
    assert not failed.any()
    assert found.step.dtype == dtype
    tolerance = 1e-3 if dtype == torch.float32 else 1e-9
    torch.testing.assert_close(found.step.double(), expected.step, rtol=tolerance, atol=tolerance)
    assert float(found.damping) == pytest.approx(float(expected.damping), rel=1e-5)
    assert (found.spectrum is None) is lists


@pytest.mark.parametrize("eigenvalues", ["absolute", "clamp"])
@pytest.mark.parametrize("damping", [0.0, RelativeDamping(0.0)], ids=str)
def test_products_know_a_singular_matrix(
    monkeypatch: pytest.MonkeyPatch, eigenvalues: str, damping: Any
) -> None:
    monkeypatch.setattr(matrices_module, "has_polar_factor", lambda device: True)
    stack = torch.diag_embed(torch.tensor([[1.0, 2.0], [1.0, 0.0], [0.0, 0.0], [1.0, 1e-8]]))
    g = torch.randn(4, 1, 2)
    solution, failed = invert(stack, g, damping, eigenvalues)
    assert failed.flatten().tolist() == [False, True, True, True]
    torch.testing.assert_close(solution.step[1:], g[1:])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("damping", [RelativeDamping(0.1), 0.0, 1e-3], ids=str)
def test_products_clamp_a_negative_matrix_to_0_and_not_to_rounding(
    monkeypatch: pytest.MonkeyPatch, damping: Any, dtype: torch.dtype
) -> None:
    A = torch.randn(5, 6, 6, dtype=torch.float64)
    negative, g = (-A @ A.mT).to(dtype), torch.randn(5, 2, 6, dtype=dtype)
    negative[0] -= 1e8 * torch.eye(6, dtype=dtype)
    # Next to a positive eigenvalue that is smaller than one of the others.
    negative[1] = torch.diag(torch.tensor([-1e6, -1.0, -1.0, -1.0, -1.0, 1e3], dtype=dtype))
    expected, gave_up = invert(negative, g, damping, "clamp")
    monkeypatch.setattr(matrices_module, "has_polar_factor", lambda device: True)
    found, failed = invert(negative, g, damping, "clamp")
    assert torch.equal(failed, gave_up)
    torch.testing.assert_close(found.step, expected.step, rtol=1e-4, atol=1e-4)


def test_products_take_any_damping_above_0(monkeypatch: pytest.MonkeyPatch) -> None:
    """A direction without curvature gets the gradient over λ, however small λ is."""
    monkeypatch.setattr(matrices_module, "has_polar_factor", lambda device: True)
    flat = torch.tensor([[1.0, 1.0], [1.0, 1.0]])
    solution, failed = invert(flat, torch.tensor([[1.0, 1.0]]), 1e-30, "absolute")
    assert not failed.any()
    torch.testing.assert_close(solution.step, torch.tensor([[0.5, 0.5]]))
