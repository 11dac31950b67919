"""The derivatives of single rows by their logits, against autograd of the loss."""

from __future__ import annotations

import torch
from hypothesis import given
from torch import Tensor

from newton_optim.sorting._softmax_row_derivatives import row_curvature, row_gradient
from newton_optim.sorting._softmax_rows import cross_entropy_of_rows, split_rows
from tests.sorting.softmax_strategies import Case, cases


def assert_near(actual: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(actual, expected, rtol=1e-8, atol=1e-8)


@given(cases(spreads=(0.1, 1.0, 3.0), min_n=2, max_n=5, max_samples=1))
def test_gradient_and_laplacian_are_those_of_autograd(case: Case) -> None:
    order = case.labels[0].argsort(stable=True)
    aligned = case.operator.aligned_logits(case.scores[0], order)
    n = len(order)

    def loss(z: Tensor) -> Tensor:
        """The sum over the rows; their largest logits, on the diagonal, stay 0."""
        moved = aligned._replace(logits=z)
        return n**2 * cross_entropy_of_rows(moved, split_rows(moved))

    row = row_curvature(split_rows(aligned))
    off = 1.0 - torch.eye(n, dtype=torch.float64)
    assert_near(row_gradient(split_rows(aligned)), off * torch.func.grad(loss)(aligned.logits))
    hessian = torch.func.jacrev(torch.func.grad(loss))(aligned.logits)
    for i in range(n):
        q, h, c = row.q[i], row.h[i], row.c[i]
        omega = 0.5 * torch.outer(q, q) * (h[:, None] + h[None, :])
        omega = omega - omega.diagonal().diag()
        K = torch.diag(omega.sum(dim=1) + 0.5 * q * c) - omega
        others = torch.outer(off[i], off[i])
        assert_near(others * K, others * hessian[i, :, i, :])
