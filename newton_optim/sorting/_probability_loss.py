"""The ranking loss of any operator, computed from its relaxed permutation P."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from newton_optim._checks import describe


def probability_loss(operator: Callable[[Tensor], Any], scores: Tensor, ranks: Tensor) -> Tensor:
    """The mean cross-entropy over the n^2 entries of P of each sample, shape `(...,)`.

    Args:
        operator: maps scores `(..., n)` to P `(..., n, n)`, or a `diffsort.DiffSortNet`.
        scores: shape `(..., n)`.
        ranks: the true rank of each element in the direction of the operator, shape `(..., n)`.
    """
    P = _diffsort(operator, scores) if _is_diffsort(operator) else operator(scores)
    n = scores.shape[-1]
    if not isinstance(P, Tensor):
        raise TypeError(f"operator must return a tensor P, got {describe(P)}")
    if P.shape != (*scores.shape, n):
        raise ValueError(
            f"operator must return P of shape {(*scores.shape, n)}, got shape {tuple(P.shape)}"
        )
    P = P.to(torch.promote_types(P.dtype, torch.float32))
    target = ranks.unsqueeze(-2) == torch.arange(n, device=ranks.device).unsqueeze(-1)
    entries = torch.where(target, P, sum_of_others(P)).clamp(min=torch.finfo(P.dtype).tiny)
    return -differentiable_log(entries).mean(dim=(-2, -1))


def sum_of_others(P: Tensor) -> Tensor:
    """The sum of the other entries of each row, `1 - P` without its cancellation.

    By sums from the left and from the right, which no autocast lowers to half precision.
    """
    before = torch.nn.functional.pad(P[..., :-1].cumsum(dim=-1), (1, 0))
    after = torch.nn.functional.pad(P[..., 1:].flip(-1).cumsum(dim=-1).flip(-1), (0, 1))
    return before + after


def differentiable_log(q: Tensor) -> Tensor:
    """`log q` for `q > 0`, whose second derivative is found without `1 / q²`.

    In units of the number itself: where q is tiny, its square would underflow and bring NaN, though
    the Hessian of the loss, `∇q ∇qᵀ / q²`, is finite.
    """
    unit = q.detach()
    return unit.log() + (q / unit).log()


def _is_diffsort(operator: Any) -> bool:
    """Whether `operator` is a `diffsort.DiffSortNet`, whether diffsort is installed or not."""
    return any(
        base.__name__ == "DiffSortNet" and base.__module__.partition(".")[0] == "diffsort"
        for base in type(operator).__mro__
    )


def _diffsort(operator: Callable[[Tensor], Any], scores: Tensor) -> Tensor:
    """P of a `DiffSortNet`, which takes a matrix and gives (sorted, P transposed)."""
    _, transposed = operator(scores.reshape(-1, scores.shape[-1]))
    P: Tensor = transposed.mT
    return P.reshape(*scores.shape, scores.shape[-1])
