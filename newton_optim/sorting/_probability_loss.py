"""The ranking loss of any operator, computed from its relaxed permutation `P`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from newton_optim._checks import describe
from newton_optim.sorting._scores import at_least_float32


def probability_loss(operator: Callable[[Tensor], Any], scores: Tensor, order: Tensor) -> Tensor:
    """The mean cross-entropy over the `n²` entries of `P` of each sample, shape `(...,)`.

    Args:
        operator: maps scores `(..., n)` to `P` `(..., n, n)`. If it has a true attribute
            ``descending``, its rank 0 is that of the largest score.
        scores: `(..., n)`.
        order: the elements in their true ascending order, `(..., n)`.
    """
    P, n = operator(scores), scores.shape[-1]
    if not isinstance(P, Tensor):
        raise TypeError(f"operator must return a tensor P, got {describe(P)}")
    if P.shape != (*scores.shape, n):
        raise ValueError(
            f"operator must return P of shape {(*scores.shape, n)}, got shape {tuple(P.shape)}"
        )
    if getattr(operator, "descending", False) is True:
        order = order.flip(-1)
    P = P.to(at_least_float32(P.dtype))
    entries = torch.where(true_entries(order), P, sum_of_others(P))
    return -differentiable_log(entries.clamp(min=torch.finfo(P.dtype).tiny)).mean(dim=(-2, -1))


def true_entries(order: Tensor) -> Tensor:
    """The true permutation: whether element `j` belongs at rank `i`, `(..., n, n)`."""
    return order.unsqueeze(-1) == torch.arange(order.shape[-1], device=order.device)


def sum_of_others(P: Tensor) -> Tensor:
    """The sum of the other entries of each row, `1 - P` without its cancellation.

    By sums from the left and from the right, which no autocast lowers to half precision.
    """
    before = torch.nn.functional.pad(P[..., :-1].cumsum(dim=-1), (1, 0))
    after = torch.nn.functional.pad(P[..., 1:].flip(-1).cumsum(dim=-1).flip(-1), (0, 1))
    return before + after


def differentiable_log(q: Tensor) -> Tensor:
    """`log q` for `q > 0`, whose second derivative is computed without `1 / q²`.

    It is computed in units of `q` itself: the square of a tiny `q` would underflow and give NaN,
    though the Hessian of the loss, `∇q ∇qᵀ / q²`, is finite.
    """
    unit = q.detach()
    return unit.log() + (q / unit).log()
