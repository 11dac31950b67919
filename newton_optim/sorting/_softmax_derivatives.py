"""Closed-form gradient and Hessian of the ranking loss of the softmax operators.

With t the target of a row and m its largest entry, write `T_j = [j = t]`, `w = [m != t]`,
`r = 1 - P_m`, `q` for the softmax of the row without m, and for the other entries that are not the
target the odds `o_j = P_j / (1 - P_j)` and `x_j = o_j (2 + o_j)`; both are 0 for m and t. The
gradient of the row's loss by the logits sums to 0 over the row, and its Hessian is a Laplacian
`K = diag(omega 1) - omega`: each is given by its entries away from m and by those that link to m,

    g_j      = q_j (r (2 - sum o + o_j - T_j) - w P_m) - T_j
    2 omega_jk = q_j q_k (h_j + h_k),    h_j = r^2 (3 - sum x + 2 (x_j - T_j)) - w P_m (1 + r)
    2 omega_mj = q_j c_j,                c_j = 2 P_m r (2 + w - sum x + x_j - T_j)

and no large numbers are subtracted from each other in any of it. The logits are piecewise linear in
the scores y, in units of tau, with Jacobians `J_i`: `g = sum_i J_i' g_i`, `H = sum_i J_i' K_i J_i`.
The scores can be shifted, so H has the rows' sums 0 as well, and its diagonal follows from them.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple

import torch
from torch import Tensor

from newton_optim._derivatives import LossDerivatives
from newton_optim.sorting._frame import along, batch_first
from newton_optim.sorting._neural_sort import NeuralSort
from newton_optim.sorting._soft_sort import SoftSort
from newton_optim.sorting._softmax_loss import Rows, cross_entropy, split_rows

# Up to this n, products of small matrices are faster without a batched matrix product.
SMALL = 12


class RowDerivatives(NamedTuple):
    """The derivatives of the rows' losses by their logits: g, q, h, c above, `(n, n, *batch)`.

    The diagonal stands for m: g and q are 0 there.
    """

    g: Tensor
    q: Tensor
    h: Tensor
    c: Tensor


def softmax_derivatives(
    operator: NeuralSort | SoftSort, scores: Tensor, labels: Tensor
) -> LossDerivatives:
    """Value, gradient and Hessian of each sample's loss, at least float32.

    Args:
        operator: the operator. Its direction plays no part: it turns round P and the truth alike.
        scores: shape `(..., n)`.
        labels: shape `(..., n)`.

    Returns:
        Value `(...,)`, gradient `(..., n)` and, when asked for, Hessian `(..., n, n)`.
    """
    frame = operator.frame(scores.detach(), labels)
    n = scores.shape[-1]
    if n == 1:
        zero = frame.logits.to(frame.dtype)
        return LossDerivatives(zero[0, 0], zero[0].movedim(0, -1), batch_first(zero))
    rows = split_rows(frame)
    row = row_derivatives(rows)
    jacobian = SoftSortJacobian if isinstance(operator, SoftSort) else NeuralSortJacobian
    J = jacobian(frame.difference.sign().to(frame.dtype))
    scale = 1.0 / (n * operator.temperature)

    def hessian() -> Tensor:
        with full_precision(scores.device):
            H = laplacian(J.curvature(row), 0.5 * scale**2)
            return to_elements(batch_first(H), frame.position)

    gradient = J.gradient(row) * (scale / n)
    if frame.position is not None:
        gradient = gradient.gather(0, frame.position)
    return LossDerivatives(
        cross_entropy(frame, rows), gradient.movedim(0, -1).contiguous(), hessian
    )


def row_derivatives(rows: Rows) -> RowDerivatives:
    """The derivatives of every row's loss by its logits."""
    q, r, w, T = rows.share, rows.others, rows.wrong, rows.target * rows.wrong
    P_m = (-rows.log_odds).sigmoid()
    one = q.new_ones(())  # A tensor: an operation with a Python number takes twice as long.
    odds = rows.false / (one - rows.false)
    x = torch.addcmul(odds + odds, odds, odds)
    excess = x.sum(dim=1, keepdim=True).sub(one, alpha=3)  # sum x - 3
    r2, link = r + r, P_m * r
    # What is made of r, P_m and w alone is of one column.
    first = torch.addcmul(r2 - w * P_m, r, odds.sum(dim=1, keepdim=True), value=-1)
    g = q * torch.addcmul(first, r, odds - T) - T
    x = x - T
    h = torch.addcmul(-(r * r * excess + w * (P_m + link)), r * r2, x)
    c = (link + link) * (x - (excess + (one - w)))
    return RowDerivatives(g, q, h, c)


class SoftSortJacobian:
    """`dz_ij = -S_ij (dy_i - dy_j)` with `S_ij = sign(y_i - y_j)`."""

    def __init__(self, S: Tensor) -> None:
        self.S = S

    def gradient(self, row: RowDerivatives) -> Tensor:
        """The gradient by y, shape `(n, *batch)`."""
        G = self.S * row.g
        return G.sum(dim=0) - G.sum(dim=1)

    def curvature(self, row: RowDerivatives) -> Tensor:
        """`-2 H` away from the diagonal, shape `(n, n, *batch)`.

        `H_kl = sum_i S_ik S_il K^i_kl - S_kl B_kl - S_lk B_lk` with `B_il = sum_j S_ij K^i_jl`,
        and `S_il B_il = omega_il + sum_j (1 - S_il S_ij) omega_jl` over the j other than i:
        without the cancellation, only what is on the other side of y_i has weight, and ties.
        """
        S, q, h = self.S, row.q, row.h
        qh, Sq, one = q * h, S * q, S.new_ones(())
        Sqh = S * qh
        lower, upper = one - S, one + S
        below, above = (v.sum(dim=1, keepdim=True) for v in (q - Sq, q + Sq))
        h_below, h_above = (v.sum(dim=1, keepdim=True) for v in (qh - Sqh, qh + Sqh))
        SB = torch.addcmul(row.c, upper, torch.addcmul(h_below, h, below), value=0.5)
        SB = torch.addcmul(SB, lower, torch.addcmul(h_above, h, above), value=0.5)
        # S * S: what is tied with y_i does not move with it.
        Z = torch.addcmul(row_products(Sq, Sqh), S * Sq, SB)
        return Z + Z.transpose(0, 1)


class NeuralSortJacobian:
    """`J_i = diag(D_i) + S` with `S_jk = sign(y_j - y_k)`, `D_ij = 2i - n + 1 - sum_k S_jk`.

    i counts from 0. `D_ij` is `2(i - j)` but where scores are equal.
    """

    def __init__(self, S: Tensor) -> None:
        n, ndim = S.shape[0], S.ndim
        self.S = S
        ranks = torch.arange(1 - n, n, 2, dtype=S.dtype, device=S.device)
        slope = self.S.sum(dim=1)
        self.D = along(0, ndim, ranks) - slope
        self.own = along(0, ndim - 1, ranks) - slope  # D_ii, not 0 where scores are equal

    def gradient(self, row: RowDerivatives) -> Tensor:
        """The gradient by y, shape `(n, *batch)`."""
        rest = row.g.sum(dim=1)  # Less the gradient by the logit of m.
        G = (row.g.sum(dim=0) - rest).unsqueeze(1)
        return torch.addcmul(self.D * row.g, self.S, G).sum(dim=0) - self.own * rest

    def curvature(self, row: RowDerivatives) -> Tensor:
        """`-2 H` away from the diagonal, shape `(n, n, *batch)`.

        `H = K_2 + K_1 S + (K_1 S)' - S K_0 S` with the sums over i `K_0` of `K_i`, `K_1` of
        `D_i K_i`, whose rows' sums are 0, and `K_2` of `D_i K_i D_i`.
        """
        S, D, q, own = self.S, self.D, row.q, self.own.unsqueeze(1)
        qh, qc = q * row.h, q * row.c
        Dq, Dqh, Dqc = D * q, D * qh, D * qc
        K_0 = row_products(q, qh) + qc
        K_0 = laplacian(K_0 + K_0.transpose(0, 1))
        K_1 = row_products(Dq, qh) + row_products(Dqh, q)
        K_1 = laplacian(torch.addcmul(K_1, own, qc) + Dqc.transpose(0, 1))
        K_2 = torch.addcmul(row_products(Dq, Dqh), own, Dqc)  # Half of it.
        V = torch.add(K_1, row_products(S, K_0), alpha=0.5)  # S' = -S
        Z = K_2 - row_products(V.transpose(0, 1), S)
        return Z + Z.transpose(0, 1)


def row_products(left: Tensor, right: Tensor) -> Tensor:
    """`sum_i left_ij right_ik`, all `(n, n, *batch)`."""
    if left.shape[0] <= SMALL:
        return (left.unsqueeze(2) * right.unsqueeze(1)).sum(dim=0)
    return (batch_first(left).mT @ batch_first(right)).movedim((-2, -1), (0, 1))


def laplacian(weights: Tensor, scale: float = 1.0) -> Tensor:
    """`scale (diag(W 1) - W)` of the weights `(n, n, *batch)`, whose diagonal is ignored."""
    K = weights * -scale
    diagonal = K.diagonal(dim1=0, dim2=1)
    diagonal.zero_()
    diagonal.sub_(K.sum(dim=1).movedim(0, -1))
    return K


def to_elements(matrix: Tensor, position: Tensor | None) -> Tensor:
    """A matrix `(*batch, n, n)` from the order of a frame to that of the elements."""
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
