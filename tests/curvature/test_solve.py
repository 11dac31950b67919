"""Solves that say where they failed, and synchronise with nothing."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from newton_optim.curvature._solve import (
    cholesky_solve,
    eigenvalue_solve,
    fall_back,
    lu_solve,
    solve_twice,
    tolerance,
)


def random_matrix(seed: int, m: int, rank: int, dtype: torch.dtype) -> torch.Tensor:
    """A symmetric matrix of this rank whose other eigenvalues are ±(1..2)."""
    generator = torch.Generator(device="cpu").manual_seed(seed)
    Q, _ = torch.linalg.qr(
        torch.randn(m, m, generator=generator, dtype=torch.float64, device="cpu")
    )
    w = 1 + torch.rand(m, generator=generator, dtype=torch.float64, device="cpu")
    w[1::2] *= -1
    w[rank:] = 0
    matrix: torch.Tensor = (Q * w) @ Q.mT
    return matrix.to(torch.zeros(0).device, dtype)


@given(
    seed=st.integers(0, 2**32 - 1),
    m=st.integers(2, 8),
    missing=st.integers(0, 2),
    dtype=st.sampled_from([torch.float32, torch.float64]),
)
def test_lu_knows_a_singular_matrix(seed: int, m: int, missing: int, dtype: torch.dtype) -> None:
    C = random_matrix(seed, m, m - missing, dtype)
    g = torch.randn(3, m, dtype=dtype)
    step, regular = lu_solve(C, g)
    assert bool(regular) == (missing == 0)
    if missing == 0:
        torch.testing.assert_close(step @ C, g, rtol=1e-3, atol=1e-3)


@given(
    seed=st.integers(0, 2**32 - 1),
    m=st.integers(2, 8),
    missing=st.integers(0, 2),
    size=st.sampled_from([1e-4, 1.0, 1e4]),
)
def test_eigenvalues_know_a_singular_matrix(seed: int, m: int, missing: int, size: float) -> None:
    C = random_matrix(seed, m, m - missing, torch.float32) * size
    w, Q = torch.linalg.eigh(C)
    _, regular = eigenvalue_solve(Q, w.abs(), torch.ones(3, m), tolerance(C))
    assert bool(regular) == (missing == 0)


def test_cholesky_knows_an_indefinite_matrix() -> None:
    step, regular = cholesky_solve(torch.diag(torch.tensor([1.0, 4.0])), torch.eye(2), 1e-7)
    assert bool(regular)
    torch.testing.assert_close(step, torch.diag(torch.tensor([1.0, 0.25])))
    assert not bool(cholesky_solve(torch.diag(torch.tensor([1.0, -4.0])), torch.eye(2), 1e-7)[1])
    assert not bool(cholesky_solve(torch.diag(torch.tensor([1.0, 1e-9])), torch.eye(2), 1e-7)[1])


def test_two_triangular_solves_are_a_cholesky_solve() -> None:
    A = torch.randn(3, 4, 4, dtype=torch.float64)
    L = torch.linalg.cholesky(A @ A.mT + torch.eye(4, dtype=torch.float64))
    right = torch.randn(3, 4, 6, dtype=torch.float64)
    torch.testing.assert_close(solve_twice(L, right), torch.cholesky_solve(right, L))


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_rows_that_are_not_finite_fall_back(bad: float) -> None:
    step = torch.tensor([[1.0, bad], [2.0, 3.0], [bad, bad]])
    gradient = torch.tensor([[0.5, -0.25], [7.0, 8.0], [0.0, 0.0]])
    used, failed = fall_back(step, gradient, torch.tensor(True))
    assert used.tolist() == [[0.5, -0.25], [2.0, 3.0], [0.0, 0.0]]
    assert failed.tolist() == [True, False, False]  # a gradient of zero has nothing to lose


def test_rounding_grows_with_the_size_of_one_matrix() -> None:
    assert tolerance(torch.zeros(7, 2, 2)) == 2 * 2.0**-23
    assert tolerance(torch.zeros(2, 7, 7, dtype=torch.float64)) == 7 * 2.0**-52


@pytest.mark.parametrize(("smallest", "is_regular"), [(2.0**-50, True), (2.0**-51, False)])
def test_where_lu_calls_a_matrix_singular(smallest: float, is_regular: bool) -> None:
    """From a condition of 1 / (m ε) on."""
    matrix = torch.diag(torch.tensor([1.0, smallest], dtype=torch.float64))
    _, regular = lu_solve(matrix, torch.ones(1, 2, dtype=torch.float64))
    assert bool(regular) is is_regular
