"""Tikhonov damping λ: how far the Newton step is from the plain gradient."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, overload

import torch
from torch import Tensor

from newton_optim._checks import check_bool, check_nonnegative, check_positive


@dataclass(frozen=True)
class RelativeDamping:
    """λ = c times the mean eigenvalue of the matrix that is inverted.

    Free of the scale of the loss: for a Hessian the step does not change when the loss is
    multiplied by a factor. c → 0 is the pure Newton step, c → ∞ the direction of the gradient.

    The mean is taken after the treatment of the eigenvalues; for ``eigenvalues="raw"``, where they
    may cancel, it is the root mean square, `λ = c ‖C‖_F / √m`. Under ``scope="sample"`` every
    sample has its own λ, unless it is ``shared``; under ``"joint"`` the joint matrix has one. Where
    C = 0, λ = 0 and the step is the plain gradient.

    A shared λ is the same for all samples, relative to the mean over the batch. Samples on which
    the outputs have little effect then keep short steps: their own λ would be small, and the step
    that it allows long.

    Args:
        c: the factor, finite, at least 0.
        shared: whether samples with matrices of their own share one λ.
        max_step: the length to which the step of a sample is shortened, above 0, in the units of
            the outputs: a trust region. ``None`` for no bound.

    Raises:
        TypeError: if ``c`` or ``max_step`` is not a real number, or ``shared`` is not a bool.
        ValueError: if ``c`` is negative or not finite, or ``max_step`` not above 0 or not finite.
    """

    c: float
    shared: bool = field(default=False, kw_only=True)
    max_step: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "c", check_nonnegative("damping: c", self.c))
        check_bool("damping: shared", self.shared)
        if self.max_step is not None:
            bound = check_positive("damping: max_step", self.max_step)
            object.__setattr__(self, "max_step", bound)

    @overload
    def resolve(self, mean_eigenvalue: float) -> float: ...

    @overload
    def resolve(self, mean_eigenvalue: Tensor) -> Tensor: ...

    def resolve(self, mean_eigenvalue: float | Tensor) -> float | Tensor:
        """λ for a matrix with this mean eigenvalue: `c` times it, or times the mean of all.

        Args:
            mean_eigenvalue: a number, or a tensor with one entry per matrix.
        """
        if self.shared and isinstance(mean_eigenvalue, Tensor):
            return self.c * mean_eigenvalue.mean().expand_as(mean_eigenvalue)
        return self.c * mean_eigenvalue


Damping = float | RelativeDamping
"""A damping as the library keeps it, checked."""


def check_damping(damping: Any, default: Damping) -> Damping:
    """``damping`` as a float or :class:`RelativeDamping`; ``default`` for ``None``."""
    return default if damping is None else check_explicit_damping(damping)


def check_explicit_damping(damping: Any) -> Damping:
    """``damping`` as a float or :class:`RelativeDamping`."""
    return (
        damping if isinstance(damping, RelativeDamping) else check_nonnegative("damping", damping)
    )


def is_zero(damping: Damping) -> bool:
    """Whether there is no damping at all."""
    return (damping.c if isinstance(damping, RelativeDamping) else damping) == 0.0


def bounded(step: Tensor, damping: Damping) -> Tensor:
    """The steps, shape `(N, m)`, none longer than the damping allows."""
    return shorten(step, damping.max_step) if isinstance(damping, RelativeDamping) else step


def shorten(step: Tensor, max_step: float | None) -> Tensor:
    """The steps, shape `(..., m)`, none longer than ``max_step``; ``None`` for no bound."""
    if max_step is None:
        return step
    length: Tensor = torch.linalg.vector_norm(step, dim=-1, keepdim=True)
    # Up to rounding, so that what has been shortened stays as it is.
    is_long = length > max_step * (1.0 + 8.0 * torch.finfo(step.dtype).eps)
    return torch.where(is_long, step * (max_step / length), step)


def scaled(damping: Damping, factor: float) -> Damping:
    """A multiple of the damping."""
    if isinstance(damping, RelativeDamping):
        return replace(damping, c=factor * damping.c)
    return factor * damping


def resolve_damping(
    damping: float | RelativeDamping, mean_eigenvalue: float | Tensor
) -> float | Tensor:
    """λ, whichever kind of damping is given.

    Args:
        damping: λ itself, or relative to the matrix that is inverted.
        mean_eigenvalue: of that matrix, or of each matrix of a batch.

    Returns:
        ``damping`` if it is a number, `c` times the mean eigenvalue if it is relative.
    """
    return damping.resolve(mean_eigenvalue) if isinstance(damping, RelativeDamping) else damping
