"""Newton steps from per-sample matrices `(N, m, m)`, in every scope."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from newton_optim._checks import check_choice, check_float_tensor
from newton_optim.curvature._damping import (
    Damping,
    RelativeDamping,
    check_explicit_damping,
    is_zero,
    resolve_damping,
)
from newton_optim.curvature._distributed import mean_over_ranks
from newton_optim.curvature._polar import absolute_value, has_polar_factor
from newton_optim.curvature._solve import (
    Solution,
    absolute_solve,
    eigenvalue_solve,
    fall_back,
    lu_solve,
    row_sum_norm,
    tolerance,
)
from newton_optim.curvature._spectrum import Spectrum, treat

EIGENVALUES = ("absolute", "raw", "clamp")

if TYPE_CHECKING:
    from torch.distributed import ProcessGroup


def solve_matrices(
    matrices: Tensor,
    gradient: Tensor,
    damping: Damping,
    scope: str,
    eigenvalues: str,
    group: ProcessGroup | None,
) -> Solution:
    """The steps with the mean of the matrices, or with each sample's own.

    Args:
        matrices: one per sample, shape `(N, m, m)`.
        gradient: shape `(N, m)`.
        damping: λ, or relative to C.
        scope: "batch" or "sample".
        eigenvalues: "raw", "absolute" or "clamp".
        group: over whose ranks the mean is taken.
    """
    if scope == "sample":
        solution, failed = invert(matrices, gradient[:, None, :], damping, eigenvalues)
        return replace(solution, step=solution.step[:, 0], fallbacks=failed.sum())
    C = mean_over_ranks(matrices, group)
    solution, failed = invert(C, gradient, damping, eigenvalues)
    return replace(solution, fallbacks=failed.any().long())


def invert(
    C: Tensor, g: Tensor, damping: Damping, eigenvalues: str, absent: Tensor | None = None
) -> tuple[Solution, Tensor]:
    """Steps `(..., N, m)` for gradients of that shape and matrices `(..., m, m)`.

    Also which of the steps fell back to the gradient.

    Args:
        C: the matrices; zero in the rows and columns of outputs that are absent.
        g: the gradients.
        damping: λ, or relative to the matrices.
        eigenvalues: "raw", "absolute" or "clamp".
        absent: which outputs do not exist, bool, `(..., m)`; ``None`` if all do.
    """
    C = (C + C.mT) / 2
    finite = torch.isfinite(C).flatten(-2).all(-1)
    C = torch.where(finite[..., None, None], C, 0.0)
    if eigenvalues == "raw":
        solution, regular = _raw(C, g, damping, absent)
    else:
        by = _by_products if has_polar_factor(C.device) else _by_eigenvalues
        solution, regular = by(C, g, damping, eigenvalues, absent)
    step, failed = fall_back(solution.step, g, (regular & finite)[..., None])
    return replace(solution, step=step), failed


def _raw(C: Tensor, g: Tensor, damping: Damping, absent: Tensor | None) -> tuple[Solution, Tensor]:
    size = _root_mean_square(C, absent)
    lam = resolve_damping(damping, size)
    shift = lam[..., None, None] if isinstance(lam, Tensor) else lam
    identity = torch.eye(C.shape[-1], dtype=C.dtype, device=C.device)
    C = C if absent is None else C + torch.diag_embed(_stand_in(size, absent))
    step, regular = lu_solve(C + shift * identity, g)
    return Solution(step, _mean(lam)), regular


def _by_eigenvalues(
    C: Tensor, g: Tensor, damping: Damping, eigenvalues: str, absent: Tensor | None
) -> tuple[Solution, Tensor]:
    """Absolute or clamped eigenvalues from an eigendecomposition, which waits for a device."""
    stand_in = None if absent is None else _stand_in(_root_mean_square(C, absent), absent)
    w, Q = torch.linalg.eigh(C if stand_in is None else C + torch.diag_embed(stand_in))
    treated = treat(w, eigenvalues)
    lam = resolve_damping(damping, _mean_eigenvalue(treated, stand_in, absent))
    shift = lam[..., None] if isinstance(lam, Tensor) else lam
    # With λ > 0 there is an inverse, however small λ is: the eigenvalues are not negative.
    smallest = tolerance(C) if is_zero(damping) else 0.0
    step, regular = eigenvalue_solve(Q, treated + shift, g, smallest)
    spectrum = Spectrum(C, eigenvalues, w) if stand_in is None else None
    return Solution(step, _mean(lam), spectrum=spectrum), regular


def _by_products(
    C: Tensor, g: Tensor, damping: Damping, eigenvalues: str, absent: Tensor | None
) -> tuple[Solution, Tensor]:
    """The same from `|C|` and a Cholesky decomposition in float64, without waiting for a device."""
    stand_in = None if absent is None else _stand_in(_root_mean_square(C, absent), absent)
    whole = C if stand_in is None else C + torch.diag_embed(stand_in)
    treated, rounding = _treated_by_products(whole, eigenvalues)
    diagonal = treated.diagonal(dim1=-2, dim2=-1)  # Its sum is that of the eigenvalues.
    lam = resolve_damping(damping, _mean_eigenvalue(diagonal, stand_in, absent))
    shift = lam[..., None, None] if isinstance(lam, Tensor) else lam
    # With λ > 0 there is an inverse, however small λ is: rounding must not make it indefinite.
    smallest, shift = (tolerance(C), shift) if is_zero(damping) else (0.0, shift + rounding)
    step, regular = absolute_solve(treated, shift, g.to(treated.dtype), smallest)
    lam = lam.to(C.dtype) if isinstance(lam, Tensor) else lam
    spectrum = Spectrum(C, eigenvalues) if stand_in is None else None
    return Solution(step.to(g.dtype), _mean(lam), spectrum=spectrum), regular


def _treated_by_products(C: Tensor, eigenvalues: str) -> tuple[Tensor, Tensor]:
    """`|C|` or `(C + |C|) / 2` in float64, and its rounding, `(..., 1, 1)`.

    Where nothing but rounding is left of `(C + |C|) / 2`, it is 0, and so is its rounding.
    """
    size = absolute_value(C)
    rounding = 4 * tolerance(size) * row_sum_norm(size)[..., None, None]
    if eigenvalues == "absolute":
        return size, rounding
    positive = (C.to(size.dtype) + size) / 2
    is_there = row_sum_norm(positive)[..., None, None] > rounding
    return torch.where(is_there, positive, 0.0), torch.where(is_there, rounding, 0.0)


def _mean_eigenvalue(values: Tensor, stand_in: Tensor | None, absent: Tensor | None) -> Tensor:
    """The mean `(...,)` of values `(..., m)`, without those that stand in."""
    if stand_in is None or absent is None:
        return values.mean(-1)
    return (values.sum(-1) - stand_in.sum(-1)) / (~absent).sum(-1).clamp(min=1)


def _stand_in(size: Tensor, absent: Tensor) -> Tensor:
    """Eigenvalues for absent outputs, so that a matrix stays regular: the size of the others."""
    return torch.where(absent, torch.where(size > 0, size, 1.0)[..., None], 0.0)


def damped_step(
    matrix: Tensor,
    gradient: Tensor,
    damping: float | RelativeDamping,
    *,
    eigenvalues: str = "absolute",
) -> Tensor:
    r"""The step `s_i = (C + λ I)⁻¹ g_i` for a curvature matrix of your own (Eq. 7 of the paper).

    This is what the library's curvatures do with their matrices, for use in a custom curvature: it
    takes dampings of both kinds, does not wait for a CUDA device, and falls back to the gradient
    where `C + λ I` has no inverse.

    Args:
        matrix: C, shape `(m, m)` for all samples or `(N, m, m)` for each its own, on the per-sample
            scale. Its symmetric part counts.
        gradient: the gradients `g_i`, shape `(N, m)`, in the dtype of ``matrix``.
        damping: λ, or :class:`~newton_optim.RelativeDamping`.
        eigenvalues: "absolute", "raw" or "clamp", as in :class:`~newton_optim.Hessian`.

    Returns:
        The steps, shape `(N, m)`.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if a shape does not fit, or a value or name is wrong.
    """
    check_float_tensor("matrix", matrix)
    check_float_tensor("gradient", gradient)
    check_choice("eigenvalues", eigenvalues, EIGENVALUES)
    lam = check_explicit_damping(damping)
    shapes = {(m := gradient.shape[-1], m), (*gradient.shape, m)} if gradient.dim() == 2 else set()
    if tuple(matrix.shape) not in shapes:
        raise ValueError(
            "matrix must have shape (m, m) or (N, m, m) for a gradient of shape (N, m), "
            f"got {tuple(matrix.shape)} for {tuple(gradient.shape)}"
        )
    if matrix.dtype != gradient.dtype:
        raise TypeError(
            f"matrix must have the dtype of gradient, {gradient.dtype}, got {matrix.dtype}"
        )
    if matrix.dim() == 2:
        return invert(matrix, gradient, lam, eigenvalues)[0].step
    return invert(matrix, gradient[:, None, :], lam, eigenvalues)[0].step[:, 0]


def _root_mean_square(C: Tensor, absent: Tensor | None) -> Tensor:
    """`‖C‖_F / √m`, the root mean square of the eigenvalues, without overflow of the squares."""
    size = C.abs().amax((-2, -1))
    unit = torch.where(size > 0, size, 1.0)
    norm: Tensor = torch.linalg.matrix_norm(C / unit[..., None, None])
    if absent is None:
        return size * norm / math.sqrt(C.shape[-1])
    return size * norm / (~absent).sum(-1).clamp(min=1).to(C.dtype).sqrt()


def _mean(lam: Tensor | float) -> Tensor | float:
    return lam.mean() if isinstance(lam, Tensor) else lam
