"""A Gauss-Newton matrix as it is best kept: not multiplied out."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, eq=False)
class ResidualForm:
    r"""Whitened Jacobians and residuals: `g_i = A_i' b_i`, and the Gauss-Newton matrix `A_i' A_i`.

    The damped step `(A' A + λ I)⁻¹ A' b` solves the least-squares problem

    .. math:: \min_s \; \lVert A s - b \rVert^2 + λ \lVert s \rVert^2

    whose condition is the root of that of the matrix.

    Args:
        jacobian: `A_i`, shape `(N, k, m)`.
        residual: `b_i`, shape `(N, k)`.
    """

    jacobian: Tensor
    residual: Tensor

    def gradient(self) -> Tensor:
        """`g_i = A_i' b_i`, shape `(N, m)`."""
        return (self.residual[:, None, :] @ self.jacobian)[:, 0]

    def matrices(self) -> Tensor:
        """`A_i' A_i`, shape `(N, m, m)`."""
        return self.jacobian.mT @ self.jacobian
