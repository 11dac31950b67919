"""The ranking loss of the softmax operators, computed from their logits and not from `P`."""

from __future__ import annotations

from torch import Tensor

from newton_optim.sorting._fused_loss import fused_loss, fusing
from newton_optim.sorting._neural_sort import NeuralSort
from newton_optim.sorting._rank_weights import EQUAL_RANKS, RankWeights
from newton_optim.sorting._soft_sort import SoftSort
from newton_optim.sorting._softmax_rows import cross_entropy_of_rows, split_rows


def softmax_loss(
    operator: NeuralSort | SoftSort,
    scores: Tensor,
    order: Tensor,
    *,
    mask: Tensor | None = None,
    ranks: RankWeights = EQUAL_RANKS,
) -> Tensor:
    """The loss of each sample, differentiable to any order.

    Where autograd may differentiate it, its gradient is computed along with it, in closed form
    (:func:`fused_loss`). Elsewhere it consists of plain operations (:func:`fusing` says when).

    Args:
        operator: the operator. Its direction plays no part but for which ranks the weights are:
            it reverses `P` and the truth alike.
        scores: shape `(..., n)`, finite where absent.
        order: the elements in their true ascending order, the absent ones last, `(..., n)`.
        mask: which elements are present, `(..., n)`; all for ``None``.
        ranks: the weights of the ranks.

    Returns:
        The loss, shape `(...,)`, at least float32.
    """
    weights = ranks.of_rows(scores, mask, reverse=operator.descending)
    if fusing():
        return fused_loss(operator, scores, order, mask, weights)
    return plain_loss(operator, scores, order, mask, weights)


def plain_loss(
    operator: NeuralSort | SoftSort,
    scores: Tensor,
    order: Tensor,
    mask: Tensor | None = None,
    weights: Tensor | None = None,
) -> Tensor:
    """The loss of each sample by plain operations; the arguments are those of ``fused_loss``."""
    aligned = operator.aligned_logits(scores, order, mask)
    if scores.shape[-1] == 1:  # P = 1 whatever the score: the loss and its derivatives are 0.
        # Squared, so that the gradient has a graph too.
        return aligned.logits.square().sum(dim=(0, 1)).to(aligned.dtype)
    rows = split_rows(aligned)
    return cross_entropy_of_rows(aligned, rows, aligned.of_rows(weights))
