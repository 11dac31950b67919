"""The ranking loss of the softmax operators, computed from their logits and not from P."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from newton_optim.sorting._frame import Frame, along


class Rows(NamedTuple):
    """The softmax of each row, with its largest entry, on the diagonal, apart from the others.

    Attributes:
        log_odds: `log((1 - P_ii) / P_ii)`, shape `(n, 1, *batch)`.
        others: `1 - P_ii`, shape `(n, 1, *batch)`.
        share: the softmax of the row without its largest entry, `(n, n, *batch)`, diagonal 0.
        target: 1 where the labels want an entry of 1, else 0, shape `(n, n, *batch)`.
        wrong: 1 where that is not the largest of its row, else 0, shape `(n, 1, *batch)`.
        false: P off the diagonal and off the target, each at most 1/2, `(n, n, *batch)`, else 0.
    """

    log_odds: Tensor
    others: Tensor
    share: Tensor
    target: Tensor
    wrong: Tensor
    false: Tensor


def split_rows(frame: Frame) -> Rows:
    """The softmax of each row, n of at least 2.

    Nothing is subtracted from 1, and the exponentials are of differences to the second largest
    logit: every part is right to rounding, also relatively, however far one logit is ahead.
    """
    z = frame.logits
    rest = z.clone()
    rest.diagonal(dim1=0, dim2=1).fill_(-torch.inf)
    second = rest.amax(dim=1, keepdim=True).detach()  # Its own derivatives cancel.
    weight = (rest - second).to(frame.dtype).exp()
    total = weight.sum(dim=1, keepdim=True)
    log_odds = second + total.log()
    others, share = log_odds.sigmoid().to(frame.dtype), weight / total
    target, wrong = targets(frame)
    P = others * share
    false = torch.addcmul(P, P, target, value=-1)
    return Rows(log_odds.to(frame.dtype), others, share, target, wrong, false)


def targets(frame: Frame) -> tuple[Tensor, Tensor]:
    """The two of that name in `Rows`."""
    z, t = frame.logits, frame.target.unsqueeze(1)
    rows = along(0, z.ndim, torch.arange(z.shape[0], device=z.device))
    return torch.zeros_like(z, dtype=frame.dtype).scatter(1, t, 1.0), (t != rows).to(frame.dtype)


def cross_entropy(frame: Frame, rows: Rows) -> Tensor:
    """The mean cross-entropy over the n^2 entries of P, shape `batch`.

    With t the target of a row and m its largest entry, of logit 0, the row sums to
    `-log P_t - sum_(j != t) log(1 - P_j)`, where `-log P_t = log(1 + odds) - z_t` and, unless
    m = t, `-log(1 - P_m) = log(1 + odds) - log_odds`.
    """
    z_t = frame.logits.gather(1, frame.target.unsqueeze(1)).to(frame.dtype)
    log_total = rows.log_odds.exp().log1p()
    largest = torch.addcmul(log_total - z_t, rows.wrong, log_total - rows.log_odds)
    false = (-rows.false).log1p().sum(dim=1, keepdim=True)
    return (largest - false).sum(dim=(0, 1)) / frame.logits.shape[0] ** 2


def softmax_loss(frame: Frame) -> Tensor:
    """The loss of each sample, shape `batch`: plain operations, differentiable to any order."""
    if frame.logits.shape[0] == 1:  # P = 1 whatever the score: the loss is 0, its derivatives too.
        return frame.logits.sum(dim=(0, 1)).to(frame.dtype)
    return cross_entropy(frame, split_rows(frame))
