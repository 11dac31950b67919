"""Weights of the samples in the ranking loss."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from newton_optim._checks import describe, known_true
from newton_optim._derivatives import LossDerivatives


def check_weight(weight: Any, scores: Tensor) -> Tensor | None:
    """``weight`` if it is ``None``, or one weight per sample, `(...,)` for scores `(..., n)`."""
    if weight is None:
        return None
    if not isinstance(weight, Tensor) or weight.is_complex() or weight.dtype == torch.bool:
        raise TypeError(f"weight must be a tensor of real numbers, got {describe(weight)}")
    if weight.shape != scores.shape[:-1]:
        raise ValueError(
            f"weight must have one entry per sample, shape {tuple(scores.shape[:-1])}, "
            f"got shape {tuple(weight.shape)}"
        )
    if known_true(~((weight >= 0) & weight.isfinite()).all()):
        raise ValueError("weight must be finite and at least 0, got at least one that is not")
    return weight


def weighted_loss(loss: Tensor, weight: Tensor | None) -> Tensor:
    """The loss of each sample, `(...,)`, times its weight."""
    return loss if weight is None else loss * weight.to(loss.dtype)


def weighted_derivatives(
    derivatives: LossDerivatives, weight: Tensor | None, present: Tensor | None
) -> LossDerivatives:
    """The derivatives of each sample's weighted loss, with the elements that are present.

    Args:
        derivatives: without the weights; their Hessian is read when that of the result is.
        weight: of the samples, `(...,)`; 1 for ``None``.
        present: which elements are present, `(..., n)`; all for ``None``.
    """
    if weight is None and present is None:
        return derivatives
    w = derivatives.value.new_ones(()) if weight is None else weight.detach()
    w = w.to(derivatives.value.dtype)

    def hessian() -> Tensor:
        H = derivatives.hessian
        assert H is not None
        return H * w[..., None, None]

    return LossDerivatives(
        derivatives.value * w, derivatives.gradient * w.unsqueeze(-1), hessian, present=present
    )
