"""The ranking loss of any operator, computed from its relaxed permutation `P`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from newton_optim._checks import describe
from newton_optim.sorting._mask import existing_ranks, reversed_ranks
from newton_optim.sorting._rank_weights import EQUAL_RANKS, RankWeights
from newton_optim.sorting._scores import at_least_float32


def probability_loss(
    operator: Callable[..., Any],
    scores: Tensor,
    order: Tensor,
    *,
    mask: Tensor | None = None,
    ranks: RankWeights = EQUAL_RANKS,
) -> Tensor:
    """The weighted mean cross-entropy over the entries of `P` of each sample, shape `(...,)`.

    Args:
        operator: maps scores `(..., n)` to `P` `(..., n, n)`. If it has a true attribute
            ``descending``, its rank 0 is that of the largest score.
        scores: `(..., n)`, finite where absent.
        order: the elements in their true ascending order, the absent ones last, `(..., n)`.
        mask: which elements are present, `(..., n)`; the operator takes it as a keyword, unless it
            is ``None``.
        ranks: the weights of the ranks.
    """
    P = operator(scores) if mask is None else operator(scores, mask=mask)
    P = check_permutation(P, scores)
    if getattr(operator, "descending", False) is True:
        order = order.flip(-1) if mask is None else order.gather(-1, reversed_ranks(mask))
    if mask is not None:
        P = torch.where(mask.unsqueeze(-2), P, 0.0)
    entries = torch.where(true_entries(order), P, sum_of_others(P))
    if mask is not None:  # An entry of 1 adds nothing.
        pairs = existing_ranks(mask).unsqueeze(-1) & mask.unsqueeze(-2)
        entries = torch.where(pairs, entries, 1.0)
    logs = differentiable_log(entries.clamp(min=torch.finfo(P.dtype).tiny))
    weights = ranks.of_rows(P[..., 0], mask, reverse=False)
    if weights is None:
        return -logs.mean(dim=(-2, -1))
    return -(logs.sum(dim=-1) * weights).sum(dim=-1)


def check_permutation(P: Any, scores: Tensor) -> Tensor:
    """``P``, at least float32, if it is a tensor of shape `(..., n, n)` for scores `(..., n)`."""
    if not isinstance(P, Tensor):
        raise TypeError(f"operator must return a tensor P, got {describe(P)}")
    shape = (*scores.shape, scores.shape[-1])
    if P.shape != shape:
        raise ValueError(f"operator must return P of shape {shape}, got shape {tuple(P.shape)}")
    return P.to(at_least_float32(P.dtype))


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
