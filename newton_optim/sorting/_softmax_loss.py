"""The ranking loss of the softmax operators, computed from their logits and not from `P`."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from newton_optim.sorting._aligned_logits import AlignedLogits
from newton_optim.sorting._neural_sort import NeuralSort
from newton_optim.sorting._rank_weights import EQUAL_RANKS, RankWeights
from newton_optim.sorting._soft_sort import SoftSort


class Rows(NamedTuple):
    """The softmax of each row, with its largest entry, on the diagonal, apart from the others.

    Attributes:
        log_odds: `log((1 - P_ii) / P_ii)`, shape `(n, 1, *batch)`.
        others: `1 - P_ii`, shape `(n, 1, *batch)`.
        share: the softmax of the row without its largest entry, `(n, n, *batch)`, diagonal 0.
        target: 1 where the labels want an entry of 1, else 0, shape `(n, n, *batch)`.
        wrong: 1 where that is not the largest of its row, else 0, shape `(n, 1, *batch)`.
        false: `P` off the diagonal and off the target, each at most 1/2, `(n, n, *batch)`, else 0.
    """

    log_odds: Tensor
    others: Tensor
    share: Tensor
    target: Tensor
    wrong: Tensor
    false: Tensor


def split_rows(aligned: AlignedLogits) -> Rows:
    """The softmax of each row, for `n` of at least 2.

    Nothing is subtracted from 1, and the exponentials are of differences to the second largest
    logit: every part is right to rounding, also relatively, however far one logit is ahead.
    """
    z = aligned.logits
    rest = z.clone()
    rest.diagonal(dim1=0, dim2=1).fill_(-torch.inf)
    second = rest.amax(dim=1, keepdim=True).detach()  # Its own derivatives cancel.
    weight = (rest - second).to(aligned.dtype).exp()
    total = weight.sum(dim=1, keepdim=True)
    log_odds = second + total.log()
    others, share = log_odds.sigmoid().to(aligned.dtype), weight / total
    target, wrong = targets(aligned)
    P = others * share
    false = torch.addcmul(P, P, target, value=-1)
    return Rows(log_odds.to(aligned.dtype), others, share, target, wrong, false)


def targets(aligned: AlignedLogits) -> tuple[Tensor, Tensor]:
    """``target`` and ``wrong`` of `Rows`."""
    columns = aligned.target.unsqueeze(1)
    target = torch.zeros_like(aligned.logits, dtype=aligned.dtype).scatter(1, columns, 1.0)
    return target, (1.0 - target.diagonal(dim1=0, dim2=1)).movedim(-1, 0).unsqueeze(1)


def cross_entropy_of_rows(
    aligned: AlignedLogits, rows: Rows, weights: Tensor | None = None
) -> Tensor:
    """The weighted sum of the cross-entropy over the rows of `P`, shape `batch`.

    With `t` the target of a row and `m` its largest entry, of logit 0, the row sums to
    `-log P_t - Σ_{j ≠ t} log(1 - P_j)`, where `-log P_t = log(1 + odds) - z_t` and, unless
    `m = t`, `-log(1 - P_m) = log(1 + odds) - log_odds`.

    Args:
        aligned: the logits.
        rows: their softmax.
        weights: of the rows, `(n, 1, *batch)`; `1/n²`, the mean over all entries, for ``None``.
    """
    z_t = aligned.logits.gather(1, aligned.target.unsqueeze(1)).to(aligned.dtype)
    log_total = rows.log_odds.exp().log1p()
    largest = torch.addcmul(log_total - z_t, rows.wrong, log_total - rows.log_odds)
    false = (-rows.false).log1p().sum(dim=1, keepdim=True)
    if weights is None:
        return (largest - false).sum(dim=(0, 1)) / aligned.logits.shape[0] ** 2
    return ((largest - false) * weights).sum(dim=(0, 1))


def weights_of_rows(
    operator: NeuralSort | SoftSort,
    aligned: AlignedLogits,
    scores: Tensor,
    mask: Tensor | None,
    ranks: RankWeights,
) -> Tensor | None:
    """The factors of the rows in the loss, `(n, 1, *batch)`, or ``None`` for `1/n²` in all."""
    weights = ranks.of_rows(scores, mask, reverse=operator.descending)
    return None if weights is None else aligned.of_rows(weights)


def softmax_loss(
    operator: NeuralSort | SoftSort,
    scores: Tensor,
    order: Tensor,
    *,
    mask: Tensor | None = None,
    ranks: RankWeights = EQUAL_RANKS,
) -> Tensor:
    """The loss of each sample by plain operations, differentiable to any order.

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
    aligned = operator.aligned_logits(scores, order, mask)
    weights = weights_of_rows(operator, aligned, scores, mask, ranks)
    if scores.shape[-1] == 1:  # P = 1 whatever the score: the loss and its derivatives are 0.
        # Squared, so that the gradient has a graph too.
        return aligned.logits.square().sum(dim=(0, 1)).to(aligned.dtype)
    return cross_entropy_of_rows(aligned, split_rows(aligned), weights)
