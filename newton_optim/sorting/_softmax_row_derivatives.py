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

from newton_optim.sorting._softmax_rows import Rows


class RowCurvature(NamedTuple):
    """The second derivatives of the rows' losses: `q, h, c` above.

    Attributes:
        q: `(n, n, *batch)`, 0 on the diagonal, which is that of `m`.
        h: `(n, n, *batch)`.
        c: `(n, n, *batch)`.
    """

    q: Tensor
    h: Tensor
    c: Tensor


def row_gradient(rows: Rows, weights: Tensor | None = None) -> Tensor:
    """The gradient of every row's loss by its logits, `g` above, 0 for `m`, `(n, n, *batch)`.

    Args:
        rows: the softmax of the rows.
        weights: the factors of the rows, `(n, 1, *batch)`; 1 for ``None``.
    """
    r, w, T, o = rows.others, rows.wrong, rows.target, rows.odds
    P_m = 1.0 - r  # At least 1/n.
    first = torch.addcmul(r * (2.0 - o.sum(dim=1, keepdim=True)), w, P_m, value=-1)
    g = rows.share * torch.addcmul(first, r, o - T) - T
    return g if weights is None else g * weights


def row_curvature(rows: Rows, weights: Tensor | None = None) -> RowCurvature:
    """The Hessian of every row's loss by its logits.

    Args:
        rows: the softmax of the rows.
        weights: the factors of the rows, `(n, 1, *batch)`; 1 for ``None``.
    """
    r, w, o = rows.others, rows.wrong, rows.odds
    P_m = 1.0 - r
    link = P_m * r
    x = torch.addcmul(o + o, o, o)
    excess = x.sum(dim=1, keepdim=True) - 3.0  # sum x - 3
    x = x - rows.target
    # Terms of r, P_m and w alone have one column.
    h = torch.addcmul(-(r * r * excess + w * (P_m + link)), 2.0 * r * r, x)
    c = (link + link) * (x - (excess + (1.0 - w)))
    if weights is None:
        return RowCurvature(rows.share, h, c)
    return RowCurvature(rows.share, h * weights, c * weights)
