"""Solve `(C + λ I) s = g` without a synchronising call, and know where that failed.

A failure never raises: the rows concerned fall back to the plain gradient and are counted in a
tensor, which costs nothing until somebody reads it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from newton_optim._checks import finite_rows


@dataclass(frozen=True)
class Trials:
    """How a choice among candidates for the step went.

    Args:
        failed: how many losses of a sample at a candidate were not finite, 0-dim.
        without_descent: how many samples got their gradient, as no candidate was downhill, 0-dim.
    """

    failed: Tensor
    without_descent: Tensor


@dataclass(frozen=True)
class Solution:
    """A Newton step and what is known of it.

    Args:
        step: the step s, shape `(N, m)`: `z* = y - s`.
        damping: the λ that was used (the mean of them where samples have their own).
        fallbacks: how many matrices could not be inverted, 0-dim.
        eigenvalue_range: smallest and largest eigenvalue of C, where they were computed.
        largest_eigenvalue: the largest after their treatment, where they were computed.
        trials: what became of the candidates, where there were several.
    """

    step: Tensor
    damping: Tensor | float = 0.0
    fallbacks: Tensor | int = 0
    eigenvalue_range: tuple[Tensor, Tensor] | None = None
    largest_eigenvalue: Tensor | None = None
    trials: Trials | None = None


def fall_back(step: Tensor, gradient: Tensor, solved: Tensor) -> tuple[Tensor, Tensor]:
    """The step where it is solved and finite, the plain gradient elsewhere; and where that is.

    Args:
        step: shape `(..., N, m)`.
        gradient: shape `(..., N, m)`.
        solved: boolean, broadcasts against `(..., N)`.
    """
    good = solved & finite_rows(step)
    failed = ~good & (gradient.abs().amax(-1) > 0)
    return torch.where(good[..., None], step, gradient), failed


def shorten(step: Tensor, max_step: float | None) -> Tensor:
    """The steps, shape `(..., m)`, none longer than ``max_step``; ``None`` for no bound."""
    if max_step is None:
        return step
    length: Tensor = torch.linalg.vector_norm(step, dim=-1, keepdim=True)
    return step * (max_step / length.clamp(min=max_step))


def tolerance(matrix: Tensor) -> float:
    """Below this share of the largest, a pivot or an eigenvalue is rounding: m·ε."""
    return matrix.shape[-1] * torch.finfo(matrix.dtype).eps


def lu_solve(matrix: Tensor, gradient: Tensor) -> tuple[Tensor, Tensor]:
    """`s` with `matrix @ s_i = g_i` for every row, and whether the matrix could be inverted.

    Args:
        matrix: shape `(..., m, m)`.
        gradient: shape `(..., N, m)`.
    """
    m = matrix.shape[-1]
    identity = torch.eye(m, dtype=matrix.dtype, device=matrix.device).expand(matrix.shape)
    LU, pivots, info = torch.linalg.lu_factor_ex(matrix)
    solved = torch.linalg.lu_solve(LU, pivots, torch.cat([gradient.mT, identity], dim=-1))
    step, inverse = solved[..., :-m], solved[..., -m:]
    # Pivots do not reveal the rank; the inverse does: that of a singular matrix is rounding⁻¹.
    condition = _norm(matrix) * _norm(inverse)
    return step.mT, (info == 0) & (condition * tolerance(matrix) < 1.0)


def _norm(matrix: Tensor) -> Tensor:
    """The ∞-norm, whose parts do not overflow as squares would."""
    return matrix.abs().sum(-1).amax(-1)


def eigenvalue_solve(
    vectors: Tensor, eigenvalues: Tensor, gradient: Tensor, smallest: float
) -> tuple[Tensor, Tensor]:
    """The same from an eigendecomposition with eigenvalues that are not negative.

    Args:
        vectors: the eigenvectors as columns, shape `(..., m, m)`.
        eigenvalues: what is inverted, λ included, shape `(..., m)`.
        gradient: shape `(..., N, m)`.
        smallest: below this share of the largest, an eigenvalue is rounding.
    """
    regular = eigenvalues.amin(-1) > smallest * eigenvalues.amax(-1)
    step = ((gradient @ vectors) / eigenvalues[..., None, :]) @ vectors.mT
    return step, regular


def cholesky_solve(matrix: Tensor, right: Tensor, smallest: float) -> tuple[Tensor, Tensor]:
    """`matrix⁻¹ @ right` for a positive definite matrix, and whether it is one.

    Args:
        matrix: shape `(k, k)`.
        right: shape `(k, n)`.
        smallest: below this share of the largest, a squared pivot is rounding.
    """
    L, info = torch.linalg.cholesky_ex(matrix)
    size = L.diagonal(dim1=-2, dim2=-1).square()
    regular = (info == 0) & (size.amin(-1) > smallest * size.amax(-1))
    if right.shape[-1] > 2 * right.shape[-2]:
        # A product is faster than substitution by columns. `cholesky_inverse` would make the host
        # wait for a CUDA device.
        identity = torch.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)
        return torch.cholesky_solve(identity, L) @ right, regular
    return torch.cholesky_solve(right, L), regular
