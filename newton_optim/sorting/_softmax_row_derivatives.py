"""The derivatives of each row's cross-entropy by the row's logits, in closed form.

With `t` the target of a row and `m` its largest entry, write `T_j = [j = t]`, `w = [m ≠ t]`,
`r = 1 - P_m`, `q` for the softmax of the row without `m`, and for the other entries that are not
the target the odds `o_j = P_j / (1 - P_j)` and `x_j = o_j (2 + o_j)`; both are 0 for `m` and `t`.
The gradient of the row's loss by the logits sums to 0 over the row, and its Hessian is a Laplacian
`K = diag(ω 1) - ω`. Each is given by its entries away from `m` and by those that link to `m`,

    g_j    = q_j (r (2 - Σ o + o_j - T_j) - w P_m) - T_j
    2 ω_jk = q_j q_k (h_j + h_k),    h_j = r² (3 - Σ x + 2 (x_j - T_j)) - w P_m (1 + r)
    2 ω_mj = q_j c_j,                c_j = 2 P_m r (2 + w - Σ x + x_j - T_j)

No large numbers are subtracted from each other in any of them.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from newton_optim.sorting._softmax_loss import Rows


class RowDerivatives(NamedTuple):
    """The derivatives of the rows' losses by their logits: `g, q, h, c` above, `(n, n, *batch)`.

    The diagonal is that of `m`: `g` and `q` are 0 there.
    """

    g: Tensor
    q: Tensor
    h: Tensor
    c: Tensor


def row_derivatives(rows: Rows) -> RowDerivatives:
    """The derivatives of every row's loss by its logits."""
    q, r, w, T = rows.share, rows.others, rows.wrong, rows.target * rows.wrong
    P_m = (-rows.log_odds).sigmoid()
    one = q.new_ones(())  # A tensor: an operation with a Python number takes twice as long.
    odds = rows.false / (one - rows.false)
    x = torch.addcmul(odds + odds, odds, odds)
    excess = x.sum(dim=1, keepdim=True).sub(one, alpha=3)  # sum x - 3
    r2, link = r + r, P_m * r
    # Terms of r, P_m and w alone have one column.
    first = torch.addcmul(r2 - w * P_m, r, odds.sum(dim=1, keepdim=True), value=-1)
    g = q * torch.addcmul(first, r, odds - T) - T
    x = x - T
    h = torch.addcmul(-(r * r * excess + w * (P_m + link)), r * r2, x)
    c = (link + link) * (x - (excess + (one - w)))
    return RowDerivatives(g, q, h, c)


def weighted(row: RowDerivatives, weights: Tensor | None) -> RowDerivatives:
    """The derivatives of every row's loss times its weight, `(n, 1, *batch)`; ``None`` is 1."""
    if weights is None:
        return row
    return RowDerivatives(row.g * weights, row.q, row.h * weights, row.c * weights)
