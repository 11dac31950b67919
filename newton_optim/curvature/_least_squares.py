"""Solve `(AᵀA + λ I) s = Aᵀb` without forming `AᵀA`, whose condition is the square of A's.

With the reduced QR decomposition of A or of its transpose, whichever is taller, over `√λ I`:

    k ≥ m:   [A; √λ I] = Q R,   s = R⁻¹ Q₁ᵀ b,    k < m:   [Aᵀ; √λ I] = Q R,   s = Q₁ R⁻ᵀ b

Q₁ is the upper block of Q. No call synchronises with a device.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from newton_optim._derivatives import ResidualForm
from newton_optim.curvature._damping import Damping, is_zero, resolve_damping
from newton_optim.curvature._solve import Solution, fall_back, tolerance


def solve_residual_form(form: ResidualForm, gradient: Tensor, damping: Damping) -> Solution:
    """The damped Gauss-Newton step of every sample.

    Args:
        form: `A_i` and `b_i`.
        gradient: `g_i = A_iᵀ b_i`, shape `(N, m)`: the step where there is no inverse.
        damping: λ, or relative to the mean eigenvalue of each sample's `A_iᵀ A_i`.
    """
    A, b = form.jacobian, form.residual
    lam = resolve_damping(damping, _mean_eigenvalue(A))
    root = lam.sqrt() if isinstance(lam, Tensor) else A.new_full((len(A),), math.sqrt(lam))
    step, R = _tall(A, b, root) if A.shape[-2] >= A.shape[-1] else _wide(A, b, root)
    # With λ > 0 there is an inverse, however small λ is.
    regular = _is_regular(R) if is_zero(damping) else R.diagonal(dim1=-2, dim2=-1).ne(0).all(-1)
    step, failed = fall_back(step, gradient, regular)
    used = lam.mean() if isinstance(lam, Tensor) else lam
    return Solution(step, used, failed.sum())


def _mean_eigenvalue(A: Tensor) -> Tensor:
    """`‖A‖²/m`, shape `(N,)`."""
    norm: Tensor = torch.linalg.vector_norm(A, dim=(-2, -1))
    return (norm / math.sqrt(A.shape[-1])).square()


def _tall(A: Tensor, b: Tensor, root: Tensor) -> tuple[Tensor, Tensor]:
    Q, R = torch.linalg.qr(_over_diagonal(A, root))
    c = Q[:, : A.shape[-2]].mT @ b[..., None]
    return torch.linalg.solve_triangular(R, c, upper=True)[..., 0], R


def _wide(A: Tensor, b: Tensor, root: Tensor) -> tuple[Tensor, Tensor]:
    Q, R = torch.linalg.qr(_over_diagonal(A.mT, root))
    c = torch.linalg.solve_triangular(R.mT, b[..., None], upper=False)
    return (Q[:, : A.shape[-1]] @ c)[..., 0], R


def _over_diagonal(matrix: Tensor, root: Tensor) -> Tensor:
    """The matrices with `√λ I` below them."""
    n = matrix.shape[-1]
    identity = torch.eye(n, dtype=matrix.dtype, device=matrix.device)
    return torch.cat([matrix, root[:, None, None] * identity], dim=-2)


def _is_regular(R: Tensor) -> Tensor:
    """Whether no column is a combination of the others, to rounding; shape `(N,)`."""
    identity = torch.eye(R.shape[-1], dtype=R.dtype, device=R.device).expand_as(R)
    inverse = torch.linalg.solve_triangular(R, identity, upper=True)
    condition = R.abs().sum(-1).amax(-1) * inverse.abs().sum(-1).amax(-1)
    return condition * tolerance(R) < 1.0
