"""The softmax of each row of the aligned logits, and its cross-entropy, without `1 - P`."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from newton_optim.sorting._aligned_logits import AlignedLogits
from newton_optim.sorting._layout import along_dimension


class Rows(NamedTuple):
    """The softmax of each row, with its largest entry, on the diagonal, apart from the others.

    Attributes:
        log_odds: `log((1 - P_ii) / P_ii)`, shape `(n, 1, *batch)`.
        others: `1 - P_ii`, shape `(n, 1, *batch)`.
        share: the softmax of the row without its largest entry, `(n, n, *batch)`, diagonal 0.
        target: 1 where the labels want an entry of 1 and it is not the largest of its row, else 0,
            shape `(n, n, *batch)`.
        wrong: whether there is one in the row, 1 or 0, shape `(n, 1, *batch)`.
        odds: `P / (1 - P)` off the diagonal and off the target, each at most 1, `(n, n, *batch)`,
            else 0.
    """

    log_odds: Tensor
    others: Tensor
    share: Tensor
    target: Tensor
    wrong: Tensor
    odds: Tensor


def split_rows(aligned: AlignedLogits) -> Rows:
    """The softmax of each row, for `n` of at least 2.

    Nothing is subtracted from 1, and the exponentials are of differences to the second largest
    logit: every part is right to rounding, also relatively, however far one logit is ahead.
    """
    rest = aligned.logits.clone()
    rest.diagonal(dim1=0, dim2=1).fill_(-torch.inf)
    second = rest.amax(dim=1, keepdim=True).detach()  # Its own derivatives cancel.
    weight = (rest - second).to(aligned.dtype).exp()
    total = weight.sum(dim=1, keepdim=True)
    log_odds = second + total.log()
    others, share = log_odds.sigmoid().to(aligned.dtype), weight / total
    target, wrong = targets(aligned)
    P = others * share
    false = torch.addcmul(P, P, target, value=-1)
    odds = false / (1.0 - false)
    return Rows(log_odds.to(aligned.dtype), others, share, target, wrong, odds)


def targets(aligned: AlignedLogits) -> tuple[Tensor, Tensor]:
    """``target`` and ``wrong`` of `Rows`."""
    target = aligned.target
    own = along_dimension(0, target.ndim, torch.arange(len(target), device=target.device))
    wrong = (target != own).to(aligned.dtype).unsqueeze(1)
    nowhere = torch.zeros_like(aligned.logits, dtype=aligned.dtype)
    return nowhere.scatter(1, target.unsqueeze(1), wrong), wrong


def cross_entropy_of_rows(
    aligned: AlignedLogits, rows: Rows, weights: Tensor | None = None
) -> Tensor:
    """The weighted sum of the cross-entropy over the rows of `P`, shape `batch`.

    With `t` the target of a row and `m` its largest entry, of logit 0, the row sums to
    `-log P_t - Σ_{j ≠ t} log(1 - P_j)`, where `-log P_t = log(1 + odds) - z_t` and, unless
    `m = t`, `-log(1 - P_m) = log(1 + odds) - log_odds`, with the odds of the others against `m`.

    Args:
        aligned: the logits.
        rows: their softmax.
        weights: of the rows, `(n, 1, *batch)`; `1/n²`, the mean over all entries, for ``None``.
    """
    z_t = aligned.logits.gather(1, aligned.target.unsqueeze(1)).to(aligned.dtype)
    log_total = torch.nn.functional.softplus(rows.log_odds, threshold=torch.inf)
    largest = torch.addcmul(log_total - z_t, rows.wrong, log_total - rows.log_odds)
    false = rows.odds.log1p()
    if weights is None:
        total = largest.sum(dim=(0, 1)) + false.sum(dim=(0, 1))
        return total / aligned.logits.shape[0] ** 2
    return ((largest + false.sum(dim=1, keepdim=True)) * weights).sum(dim=(0, 1))
