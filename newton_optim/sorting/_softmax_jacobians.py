"""From derivatives by the logits to derivatives by the scores.

The logits are piecewise linear in the scores `y`, in units of τ. Row `i` has the Jacobian `J_i`,
and by its logits the gradient `g_i` and the Hessian `K_i`. Then `g = Σ_i J_iᵀ g_i` and
`H = Σ_i J_iᵀ K_i J_i`. A shift of all scores changes nothing, so the rows of `H` sum to 0 as well,
and its diagonal follows from them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from newton_optim.sorting._layout import along_dimension, batch_first, differences
from newton_optim.sorting._softmax_row_derivatives import RowCurvature

# Up to this n, products of small matrices are faster without a batched matrix product.
SMALL = 12


class SoftSortJacobian:
    """`dz_ij = -S_ij (dy_i - dy_j)` with `S_ij = sign(y_i - y_j)`, never 0 off the diagonal."""

    def __init__(self, S: Tensor) -> None:
        self.S = S

    def gradient(self, g: Tensor) -> Tensor:
        """The gradient by `y`, shape `(n, *batch)`, of that by the logits, `(n, n, *batch)`."""
        G = self.S * g
        return G.sum(dim=0) - G.sum(dim=1)

    def curvature(self, row: RowCurvature) -> Tensor:
        """`-2 H` away from the diagonal, shape `(n, n, *batch)`.

        `H_kl = Σ_i S_ik S_il K^i_kl - S_kl B_kl - S_lk B_lk` with `B_il = Σ_j S_ij K^i_jl`,
        and `S_il B_il = ω_il + Σ_j (1 - S_il S_ij) ω_jl` over the `j` other than `i`:
        without the cancellation, only scores on the other side of `y_i` have weight.
        """
        S, q, h = self.S, row.q, row.h
        qh, Sq, one = q * h, S * q, S.new_ones(())
        Sqh = S * qh
        lower, upper = one - S, one + S
        below, above = (v.sum(dim=1, keepdim=True) for v in (q - Sq, q + Sq))
        h_below, h_above = (v.sum(dim=1, keepdim=True) for v in (qh - Sqh, qh + Sqh))
        SB = torch.addcmul(row.c, upper, torch.addcmul(h_below, h, below), value=0.5)
        SB = torch.addcmul(SB, lower, torch.addcmul(h_above, h, above), value=0.5)
        Z = torch.addcmul(row_products(Sq, Sqh), q, SB)
        return Z + Z.transpose(0, 1)


class NeuralSortJacobian:
    """`J_i = diag(D_i) + S` with `S_jk = sign(y_j - y_k)`, `D_ij = 2 (i - j)`, of sorted scores.

    Equal scores have the signs of their places in the order, too.
    """

    def __init__(self, S: Tensor) -> None:
        self.S = S
        ranks = torch.arange(0, 2 * S.shape[0], 2, dtype=S.dtype, device=S.device)
        self.D = differences(along_dimension(0, S.ndim - 1, ranks))

    def gradient(self, g: Tensor) -> Tensor:
        """The gradient by `y`, shape `(n, *batch)`, of that by the logits, `(n, n, *batch)`."""
        # The gradient by the logit of m is that of the others with the other sign.
        G = (g.sum(dim=0) - g.sum(dim=1)).unsqueeze(1)
        return torch.addcmul(self.D * g, self.S, G).sum(dim=0)

    def curvature(self, row: RowCurvature) -> Tensor:
        """`-2 H` away from the diagonal, shape `(n, n, *batch)`.

        `H = K_2 + K_1 S + (K_1 S)ᵀ - S K_0 S` with the sums over `i`: `K_0` of `K_i`, `K_1` of
        `D_i K_i`, whose rows' sums are 0, and `K_2` of `D_i K_i D_i`.
        """
        S, D, q = self.S, self.D, row.q
        qh, qc = q * row.h, q * row.c
        Dq, Dqh = D * q, D * qh
        K_0 = row_products(q, qh) + qc
        K_0 = laplacian(K_0 + K_0.transpose(0, 1))
        K_1 = row_products(Dq, qh) + row_products(Dqh, q) + (D * qc).transpose(0, 1)
        K_1 = laplacian(K_1)
        K_2 = row_products(Dq, Dqh)  # Half of it.
        # Sᵀ = -S, so that half of S K_0 S and K_1 S are the transposes of S V with this V:
        V = K_1.transpose(0, 1) - 0.5 * sign_product(S, K_0).transpose(0, 1)
        Z = K_2 + sign_product(S, V)
        return Z + Z.transpose(0, 1)


def sign_product(S: Tensor, matrix: Tensor) -> Tensor:
    """`Σ_j S_ij matrix_jk`, `(n, n, *batch)`; `S` is of size 1 where the batch shares it."""
    if S.numel() == S.shape[0] ** 2:
        return (S.flatten(1) @ matrix.flatten(1)).view_as(matrix)
    return row_products(S.transpose(0, 1), matrix)


def row_products(left: Tensor, right: Tensor) -> Tensor:
    """`Σ_i left_ij right_ik`, all `(n, n, *batch)`."""
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
