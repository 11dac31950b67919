"""What leads from the logits to the scores; the derivatives as a whole are tested beside it."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given

from newton_optim.sorting import SoftSort
from newton_optim.sorting._softmax_jacobians import (
    SMALL,
    NeuralSortJacobian,
    SoftSortJacobian,
    laplacian,
    row_products,
)
from tests.sorting.softmax_strategies import Case, cases


@given(cases(ties=False, spreads=(1.0,), min_n=2, max_samples=1))
def test_gradients_are_those_of_the_logits(case: Case) -> None:
    """For any gradient g of the rows, that of `Σ_ij g_ij z_ij` by the scores."""
    scores = case.scores[0].sort().values
    order, n = torch.arange(len(scores)), len(scores)
    g = torch.randn(n, n, dtype=torch.float64)
    g = g - g.diagonal().diag()
    expected = torch.func.grad(lambda y: (g * case.operator.aligned_logits(y, order).logits).sum())
    S = (scores[:, None] - scores[None, :]).sign()
    jacobian = SoftSortJacobian if isinstance(case.operator, SoftSort) else NeuralSortJacobian
    actual = jacobian(S).gradient(g) / case.operator.temperature
    torch.testing.assert_close(actual, expected(scores), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("n", [3, SMALL, SMALL + 1])
def test_products_of_rows(n: int) -> None:
    left, right = torch.randn(2, n, n, 4, dtype=torch.float64)
    expected = torch.einsum("ijs,iks->jks", left, right)
    torch.testing.assert_close(row_products(left, right), expected)


def test_the_rows_of_a_laplacian_sum_to_zero() -> None:
    weights = torch.rand(4, 4, 2, dtype=torch.float64)
    K = laplacian(weights, scale=3.0)
    off = 1.0 - torch.eye(4, dtype=torch.float64).unsqueeze(-1)
    torch.testing.assert_close(K * off, -3.0 * weights * off)
    torch.testing.assert_close(K.sum(dim=1), torch.zeros(4, 2, dtype=torch.float64))
