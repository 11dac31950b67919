from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from newton_optim.sorting._log_rows import (
    cross_entropy_of_log_rows,
    log_row_gradient,
    log_row_hessian,
    row_factors,
    split_log_rows,
)
from tests.asserts import EPS


@st.composite
def rows(draw: st.DrawFn) -> tuple[Tensor, Tensor]:
    """Rows of logarithms, `(N, n, n)`, close or far apart, and a target of each, `(N, n)`."""
    N, n = draw(st.integers(1, 3)), draw(st.integers(2, 5))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32 - 1)))
    z = torch.randn(N, n, n, generator=generator, device="cpu", dtype=torch.float64)
    z = draw(st.sampled_from([0.0, 1.0, 10.0, 1e3])) * z
    order = torch.randint(0, n, (N, n), generator=generator, device="cpu")
    return z.to(torch.get_default_device()), order.to(torch.get_default_device())


def loss(z: Tensor, order: Tensor) -> Tensor:
    return cross_entropy_of_log_rows(split_log_rows(z, order))


@given(rows())
def test_it_is_the_cross_entropy_of_the_softmax(case: tuple[Tensor, Tensor]) -> None:
    z, order = case
    n = z.shape[-1]
    expected = torch.zeros(len(z), dtype=z.dtype)
    for i in range(n):
        for j in range(n):
            others = torch.tensor([k for k in range(n) if k != j])
            log_others = z[:, i, others].logsumexp(-1)
            total = z[:, i].logsumexp(-1)
            log_q = torch.where(order[:, i] == j, z[:, i, j], log_others) - total
            expected -= log_q / n**2
    # A loss near 0 is a difference here.
    size = 1.0 + float(z.abs().max())
    torch.testing.assert_close(loss(z, order), expected, rtol=1e-12, atol=1e-14 * size)


@given(rows(), st.sampled_from([torch.float32, torch.float64]))
def test_derivatives_are_those_of_autograd(case: tuple[Tensor, Tensor], dtype: torch.dtype) -> None:
    z, order = case
    factors = row_factors(split_log_rows(z, order), dtype)
    gradient, hessian = log_row_gradient(factors), log_row_hessian(factors)
    assert gradient.dtype == hessian.dtype == dtype
    tolerance = 16 * EPS[dtype]
    for k, (rows_of_z, target) in enumerate(zip(z, order, strict=True)):
        by_z = torch.func.grad(loss)(rows_of_z, target)
        twice = torch.func.jacrev(torch.func.grad(loss))(rows_of_z, target)
        for i in range(z.shape[-1]):
            # Relative to the row: a row that is saturated right has tiny derivatives.
            size = float(by_z[i].abs().max())
            assert (gradient[k, i].double() - by_z[i]).abs().max() <= tolerance * size + 1e-38
            block = twice[i, :, i]
            assert (hessian[k, i].double() - block).abs().max() <= tolerance * size + 1e-38


def test_a_row_that_is_right_by_far_keeps_its_digits() -> None:
    """With the other entries at `e^-500`, the loss is twice their sum, over n²."""
    z = torch.zeros(1, 3, 3, dtype=torch.float64)
    z[:] = torch.tensor([0.0, -500.0, -500.0])
    order = torch.zeros(1, 3, dtype=torch.int64)
    value = loss(z, order)
    torch.testing.assert_close(value.item(), 12.0 * math.exp(-500.0) / 9.0, rtol=1e-13, atol=0.0)
    gradient = log_row_gradient(row_factors(split_log_rows(z, order), torch.float64))
    expected = torch.tensor([-4.0, 2.0, 2.0], dtype=torch.float64) * math.exp(-500.0) / 9.0
    torch.testing.assert_close(gradient[0, 0], expected, rtol=1e-13, atol=0.0)


@pytest.mark.parametrize("n", [2, 4])
def test_the_derivatives_sum_to_zero(n: int) -> None:
    """A common shift of a row's logarithms plays no part."""
    z, order = torch.randn(2, n, n, dtype=torch.float64), torch.randint(0, n, (2, n))
    factors = row_factors(split_log_rows(z, order), torch.float64)
    for part in (log_row_gradient(factors), log_row_hessian(factors)):
        assert part.sum(-1).abs().max() <= 1e-15
