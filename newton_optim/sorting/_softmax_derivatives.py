"""Closed-form gradient and Hessian of the ranking loss of the softmax operators."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

from newton_optim._derivatives import LossDerivatives
from newton_optim.sorting._aligned_logits import AlignedLogits
from newton_optim.sorting._layout import batch_first
from newton_optim.sorting._neural_sort import NeuralSort
from newton_optim.sorting._rank_weights import EQUAL_RANKS, RankWeights
from newton_optim.sorting._scores import at_least_float32
from newton_optim.sorting._soft_sort import SoftSort
from newton_optim.sorting._softmax_jacobians import (
    NeuralSortJacobian,
    SoftSortJacobian,
    laplacian,
)
from newton_optim.sorting._softmax_row_derivatives import row_curvature, row_gradient
from newton_optim.sorting._softmax_rows import cross_entropy_of_rows, split_rows


def softmax_derivatives(
    operator: NeuralSort | SoftSort,
    scores: Tensor,
    order: Tensor,
    *,
    mask: Tensor | None = None,
    ranks: RankWeights = EQUAL_RANKS,
) -> LossDerivatives:
    """Value, gradient and Hessian of each sample's loss, at least float32.

    Args:
        operator: the operator. Its direction plays no part but for which ranks the weights are:
            it reverses `P` and the truth alike.
        scores: shape `(..., n)`, finite where absent.
        order: the elements in their true ascending order, the absent ones last, `(..., n)`.
        mask: which elements are present, `(..., n)`; all for ``None``.
        ranks: the weights of the ranks.

    Returns:
        Value `(...,)`, gradient `(..., n)` and, when asked for, Hessian `(..., n, n)`; those of
        absent elements are 0.
    """
    weights = ranks.of_rows(scores, mask, reverse=operator.descending)
    return closed_form(operator, scores.detach(), order, mask, weights)


def closed_form(
    operator: NeuralSort | SoftSort,
    scores: Tensor,
    order: Tensor,
    mask: Tensor | None,
    weights: Tensor | None,
) -> LossDerivatives:
    """The same, by operations that can be differentiated further.

    Args:
        operator: the operator.
        scores: shape `(..., n)`, finite where absent.
        order: the elements in their true ascending order, the absent ones last, `(..., n)`.
        mask: which elements are present, `(..., n)`; all for ``None``.
        weights: the factor of each ascending rank's row, `(..., n)` or `(n,)`; `1/n²` for ``None``.
    """
    if scores.shape[-1] == 1:  # P = 1: all are 0, or NaN with the score.
        zero = (scores - scores).to(at_least_float32(scores.dtype))
        return LossDerivatives(zero.squeeze(-1), zero, zero.unsqueeze(-1))
    aligned = operator.aligned_logits(scores, order, mask)
    rows, by_row = split_rows(aligned), aligned.of_rows(weights)
    jacobian = SoftSortJacobian if isinstance(operator, SoftSort) else NeuralSortJacobian
    J = jacobian(aligned.sign)
    scale = 1.0 / operator.temperature / (scores.shape[-1] ** 2 if weights is None else 1)

    def hessian() -> Tensor:
        with full_precision(scores.device):
            curvature = J.curvature(row_curvature(rows, by_row))
            H = laplacian(curvature, 0.5 * scale / operator.temperature)
            return to_elements(batch_first(H), aligned)

    gradient = J.gradient(row_gradient(rows, by_row)) * scale
    if aligned.by_rank:
        gradient = gradient.gather(0, aligned.rank)
    value = cross_entropy_of_rows(aligned, rows, by_row)
    return LossDerivatives(value, gradient.movedim(0, -1).contiguous(), hessian)


def to_elements(matrix: Tensor, aligned: AlignedLogits) -> Tensor:
    """A matrix `(*batch, n, n)` from the order of the logits to that of the elements."""
    if not aligned.by_rank:
        return matrix
    rows = aligned.rank.movedim(0, -1)
    index = torch.add(rows.unsqueeze(-2), rows.unsqueeze(-1), alpha=rows.shape[-1])
    return matrix.flatten(-2).gather(-1, index.flatten(-2)).view_as(matrix)


def full_precision(device: torch.device) -> AbstractContextManager[object]:
    """No autocast: matrix products stay in the dtype of their factors."""
    if torch.is_autocast_enabled(device.type):
        return torch.autocast(device.type, enabled=False)
    return nullcontext()
