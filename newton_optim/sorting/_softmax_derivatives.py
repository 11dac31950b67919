"""Closed-form gradient and Hessian of the ranking loss of the softmax operators."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

from newton_optim._derivatives import LossDerivatives
from newton_optim.sorting._layout import batch_first
from newton_optim.sorting._neural_sort import NeuralSort
from newton_optim.sorting._soft_sort import SoftSort
from newton_optim.sorting._softmax_jacobians import (
    NeuralSortJacobian,
    SoftSortJacobian,
    laplacian,
)
from newton_optim.sorting._softmax_loss import cross_entropy_of_rows, split_rows
from newton_optim.sorting._softmax_row_derivatives import row_derivatives


def softmax_derivatives(
    operator: NeuralSort | SoftSort, scores: Tensor, order: Tensor
) -> LossDerivatives:
    """Value, gradient and Hessian of each sample's loss, at least float32.

    Args:
        operator: the operator. Its direction plays no part: it reverses `P` and the truth alike.
        scores: shape `(..., n)`.
        order: the elements in their true ascending order, shape `(..., n)`.

    Returns:
        Value `(...,)`, gradient `(..., n)` and, when asked for, Hessian `(..., n, n)`.
    """
    aligned = operator.aligned_logits(scores.detach(), order)
    n = scores.shape[-1]
    if n == 1:
        zero = aligned.logits.to(aligned.dtype)
        return LossDerivatives(zero[0, 0], zero[0].movedim(0, -1), batch_first(zero))
    rows = split_rows(aligned)
    row = row_derivatives(rows)
    jacobian = SoftSortJacobian if isinstance(operator, SoftSort) else NeuralSortJacobian
    J = jacobian(aligned.difference.sign().to(aligned.dtype))
    scale = 1.0 / (n * operator.temperature)

    def hessian() -> Tensor:
        with full_precision(scores.device):
            H = laplacian(J.curvature(row), 0.5 * scale**2)
            return to_elements(batch_first(H), aligned.position)

    gradient = J.gradient(row) * (scale / n)
    if aligned.position is not None:
        gradient = gradient.gather(0, aligned.position)
    return LossDerivatives(
        cross_entropy_of_rows(aligned, rows), gradient.movedim(0, -1).contiguous(), hessian
    )


def to_elements(matrix: Tensor, position: Tensor | None) -> Tensor:
    """A matrix `(*batch, n, n)` from the order of the scores to that of the elements."""
    if position is None:
        return matrix
    rows = position.movedim(0, -1)
    index = torch.add(rows.unsqueeze(-2), rows.unsqueeze(-1), alpha=rows.shape[-1])
    return matrix.flatten(-2).gather(-1, index.flatten(-2)).view_as(matrix)


def full_precision(device: torch.device) -> AbstractContextManager[object]:
    """No autocast: matrix products stay in the dtype of their factors."""
    if torch.is_autocast_enabled(device.type):
        return torch.autocast(device.type, enabled=False)
    return nullcontext()
