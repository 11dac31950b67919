"""The cross-entropy of rows that are given by the logarithms of their entries.

A row holds the logarithms `z` of weights that sum to 1; a common shift of them plays no part. With
`t` the target of a row and `m` its largest entry, the row's loss is
`-log P_t - Σ_{j ≠ t} log(1 - P_j)`.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class LogRows(NamedTuple):
    """Each row, of shape `(..., n)`, with its largest entry `m` apart from the others.

    Attributes:
        largest: which entry is `m`, bool, `(..., n)`.
        true: which entry is the target `t`, bool, `(..., n)`.
        log_odds: `log((1 - P_m) / P_m)`, `(..., 1)`.
        log_true: `log(P_t / P_m)`, `(..., 1)`.
        wrong: 1 where `m` is not `t`, else 0, `(..., 1)`.
        share: the row without `m`, scaled to sum to 1, `(..., n)`; 0 at `m`.
        false: `P` at neither `m` nor `t`, each at most 1/2, else 0, `(..., n)`.
    """

    largest: Tensor
    true: Tensor
    log_odds: Tensor
    log_true: Tensor
    wrong: Tensor
    share: Tensor
    false: Tensor


def split_log_rows(z: Tensor, order: Tensor) -> LogRows:
    """The parts of every row, by plain torch operations, for `n` of at least 2.

    Nothing is subtracted from 1, and exponentials are of differences to the second largest entry:
    every part is right to rounding, also relatively, however far one entry is ahead.

    Args:
        z: the logarithms, `(..., n, n)`.
        order: the target of each row, `(..., n)`.
    """
    target = order.unsqueeze(-1)
    m = z.detach().argmax(dim=-1, keepdim=True)
    columns = torch.arange(z.shape[-1], device=z.device)
    largest, true = columns == m, columns == target
    z = z - z.gather(-1, m)
    rest = z.masked_fill(largest, -torch.inf)
    second = rest.detach().amax(dim=-1, keepdim=True)  # Its own derivatives cancel.
    weight = (rest - second).exp()
    total = weight.sum(dim=-1, keepdim=True)
    log_odds = second + total.log()
    share = weight / total
    false = (log_odds.sigmoid() * share).masked_fill(true, 0.0)
    # Where the target is the largest entry, a constant: it has no part in the derivatives.
    log_true = z.gather(-1, target).masked_fill(target == m, 0.0)
    wrong = (target != m).to(z.dtype)
    return LogRows(largest, true, log_odds, log_true, wrong, share, false)


def cross_entropy_of_log_rows(rows: LogRows) -> Tensor:
    """The mean over the `n²` entries, shape `(...)` without the dimensions of rows and columns.

    `-log P_t = log(1 + odds) - log(P_t / P_m)` and, unless `m = t`,
    `-log(1 - P_m) = log(1 + odds) - log odds`.
    """
    log_total = torch.nn.functional.softplus(rows.log_odds, threshold=torch.inf)
    at_m_and_t = log_total - rows.log_true + rows.wrong * (log_total - rows.log_odds)
    others = (-rows.false).log1p().sum(dim=-1, keepdim=True)
    return (at_m_and_t - others).sum(dim=(-2, -1)) / rows.false.shape[-1] ** 2


class RowFactors(NamedTuple):
    """What the derivatives of rows are made of, in the notation of ``_softmax_row_derivatives``.

    Attributes:
        largest: which entry is `m`, bool, `(..., n)`.
        q: ``share``, `(..., n)`.
        o: the odds of the false entries, `(..., n)`.
        T: 1 at the target where that is not `m`, `(..., n)`.
        r: `1 - P_m`, `(..., 1)`.
        P_m: `(..., 1)`.
        w: ``wrong``, `(..., 1)`.
    """

    largest: Tensor
    q: Tensor
    o: Tensor
    T: Tensor
    r: Tensor
    P_m: Tensor
    w: Tensor


def row_factors(rows: LogRows, dtype: torch.dtype) -> RowFactors:
    """The factors in the dtype of the results: each is right relatively, and so are products."""
    odds = rows.false / (1.0 - rows.false)
    target = rows.true & ~rows.largest
    r, P_m = rows.log_odds.sigmoid(), (-rows.log_odds).sigmoid()
    parts = (part.to(dtype) for part in (rows.share, odds, target, r, P_m, rows.wrong))
    return RowFactors(rows.largest, *parts)


def log_row_gradient(rows: RowFactors) -> Tensor:
    """The derivative of the mean cross-entropy by `z`, `(..., n)`. Its rows sum to 0.

    Away from `m` it is `g_j = q_j (r (2 - Σ o + o_j - T_j) - w P_m) - T_j`.
    """
    largest, q, o, T, r, P_m, w = rows
    common = 2.0 * r - w * P_m - r * o.sum(dim=-1, keepdim=True)
    g = (q * (common + r * (o - T)) - T).masked_fill(largest, 0.0)
    g = torch.where(largest, -g.sum(dim=-1, keepdim=True), g)
    return g / g.shape[-1] ** 2


def log_row_hessian(rows: RowFactors) -> Tensor:
    """The second derivative by the `z` of the same row, `(..., n, n)`: a Laplacian.

    The weight of a pair is `q_j q_k (h_j + h_k) / 2` away from `m` and `q_j c_j / 2` towards it.
    """
    largest, q, o, T, r, P_m, w = rows
    x = o * (2.0 + o)
    excess = x.sum(dim=-1, keepdim=True) - 3.0
    x = x - T
    h = 2.0 * r * r * x - (r * r * excess + w * P_m * (1.0 + r))
    c = 2.0 * P_m * r * (x - excess - 1.0 + w)
    half = q.unsqueeze(-1) * (q * h).unsqueeze(-2)
    half = half + largest.to(q.dtype).unsqueeze(-1) * (q * c).unsqueeze(-2)
    weights = (half + half.mT) * (0.5 / q.shape[-1] ** 2)
    own = torch.eye(q.shape[-1], dtype=q.dtype, device=q.device)
    weights = weights * (1.0 - own)
    return own * weights.sum(dim=-1, keepdim=True) - weights
