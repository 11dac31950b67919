"""Solve `(AᵀA + λ I) s = Aᵀb` without losing digits to the square of A.

T is A, or its transpose where k < m, so that the matrix that is inverted is the smaller one:
`s = (TᵀT + λ I)⁻¹ Aᵀb`, or `s = T (TᵀT + λ I)⁻¹ b`.

* In float32, the products are taken and solved in float64, which holds all digits of a product.
* In float64, and where the device has none, `TᵀT` is not formed: with `[T; √λ I] = Q R` and the
  upper block Q₁ of Q, `s = R⁻¹ Q₁ᵀ b`, or `s = Q₁ R⁻ᵀ b`.

No call synchronises with a device.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from newton_optim._derivatives import ResidualForm
from newton_optim._precision import to_widest, widest_dtype
from newton_optim.curvature._damping import Damping, is_zero, resolve_damping
from newton_optim.curvature._solve import Solution, fall_back


def solve_residual_form(form: ResidualForm, gradient: Tensor, damping: Damping) -> Solution:
    """The damped Gauss-Newton step of every sample.

    Args:
        form: `A_i` and `b_i`.
        gradient: `g_i = A_iᵀ b_i`, shape `(N, m)`: the step where there is no inverse.
        damping: λ, or relative to the mean eigenvalue of each sample's `A_iᵀ A_i`.
    """
    A, b = form.jacobian, form.residual
    root = _root_of_damping(A, damping)
    # With λ > 0 there is an inverse, however small λ is.
    rounding = min(A.shape[-2:]) * torch.finfo(A.dtype).eps if is_zero(damping) else 0.0
    wide = widest_dtype(A.device)
    if A.dtype == wide:
        step, regular = _orthogonal(A, b, root.to(wide), rounding)
    else:
        step, regular = _normal(A.to(wide), b.to(wide), root.to(wide), rounding)
    step, failed = fall_back(step.to(gradient.dtype), gradient, regular)
    return Solution(step, root.square().mean().to(A.dtype), failed.sum())


def _root_of_damping(A: Tensor, damping: Damping) -> Tensor:
    """`√λ` of every sample, shape `(N,)`; the mean eigenvalue of `AᵀA` is `‖A‖²/m`."""
    norm: Tensor = torch.linalg.vector_norm(A.flatten(1), dim=-1)
    lam = resolve_damping(damping, to_widest(norm / math.sqrt(A.shape[-1])).square())
    return lam.sqrt() if isinstance(lam, Tensor) else norm.new_full((len(A),), math.sqrt(lam))


def _normal(A: Tensor, b: Tensor, root: Tensor, rounding: float) -> tuple[Tensor, Tensor]:
    is_tall = A.shape[-2] >= A.shape[-1]
    T = A if is_tall else A.mT
    K = T.mT @ T
    K.diagonal(dim1=-2, dim2=-1).add_(root.square()[:, None])
    L, info = torch.linalg.cholesky_ex(K)
    right = A.mT @ b[..., None] if is_tall else b[..., None]
    x = torch.cholesky_solve(right, L)
    regular = (info == 0) & _is_above(L.diagonal(dim1=-2, dim2=-1), rounding)
    return (x if is_tall else T @ x)[..., 0], regular


def _orthogonal(A: Tensor, b: Tensor, root: Tensor, rounding: float) -> tuple[Tensor, Tensor]:
    is_tall = A.shape[-2] >= A.shape[-1]
    T = A if is_tall else A.mT
    identity = torch.eye(T.shape[-1], dtype=T.dtype, device=T.device)
    Q, R = torch.linalg.qr(torch.cat([T, root[:, None, None] * identity], dim=-2))
    Q1, right = Q[:, : T.shape[-2]], b[..., None]
    if is_tall:
        step = torch.linalg.solve_triangular(R, Q1.mT @ right, upper=True)
    else:
        step = Q1 @ torch.linalg.solve_triangular(R.mT, right, upper=False)
    return step[..., 0], _is_above(R.diagonal(dim1=-2, dim2=-1), rounding)


def _is_above(diagonal: Tensor, rounding: float) -> Tensor:
    """Whether the pivots of a triangular factor are above rounding; shape `(N,)`."""
    size = diagonal.abs()
    return size.amin(-1) > rounding * size.amax(-1)
