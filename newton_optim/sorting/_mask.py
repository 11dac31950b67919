"""Lists of different lengths in one tensor: which elements are present, and their ranks.

A mask is a bool tensor `(..., n)`, true where an element is present. The `m` present elements of a
list have the ranks 0 to `m - 1`. Whatever the others hold, NaN too, has no effect.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from newton_optim._checks import describe


def check_mask(mask: Any, scores: Tensor) -> Tensor | None:
    """``mask`` if it is ``None`` or a bool tensor of the shape of the scores."""
    if mask is None:
        return None
    if not isinstance(mask, Tensor) or mask.dtype != torch.bool:
        raise TypeError(f"mask must be a bool tensor, got {describe(mask)}")
    if mask.shape != scores.shape:
        raise ValueError(
            f"mask must have the shape of scores, {tuple(scores.shape)}, "
            f"got shape {tuple(mask.shape)}"
        )
    return mask


def without_padding(values: Tensor, mask: Tensor | None) -> Tensor:
    """``values``, `(..., n)`, with 0 in the place of absent elements: value and gradient."""
    return values if mask is None else torch.where(mask, values, 0.0)


def sorting_order(values: Tensor, mask: Tensor | None, *, descending: bool = False) -> Tensor:
    """The elements in the order of their values, the absent ones last, `(..., n)`.

    Equal values keep the order given.
    """
    order = values.argsort(dim=-1, descending=descending, stable=True)
    if mask is None:
        return order
    absent = (~mask).gather(-1, order).to(torch.uint8)
    return order.gather(-1, absent.argsort(dim=-1, stable=True))


def sorted_scores(
    scores: Tensor, mask: Tensor | None, *, descending: bool = False
) -> tuple[Tensor, Tensor]:
    """The scores in their order, those of absent elements last, and the order, `(..., n)` each."""
    if mask is None:
        values, order = scores.sort(dim=-1, descending=descending)
        return values, order
    order = sorting_order(scores, mask, descending=descending)
    return scores.gather(-1, order), order


def order_by_score(scores: Tensor, order: Tensor, mask: Tensor | None) -> Tensor:
    """The elements in the ascending order of their scores, the absent ones last, `(..., n)`.

    Equal scores have the order of the labels: the order as the scores move apart towards it.

    Args:
        scores: `(..., n)`.
        order: the elements in their true ascending order, the absent ones last, `(..., n)`.
        mask: which are present, `(..., n)`; all for ``None``.
    """
    key = scores
    if mask is not None:  # Not even a score that is NaN comes after absent elements.
        key = torch.where(mask, scores, torch.inf).nan_to_num(torch.inf, torch.inf, -torch.inf)
    return order.gather(-1, key.gather(-1, order).argsort(dim=-1, stable=True))


def existing_ranks(mask: Tensor) -> Tensor:
    """Which of the `n` ranks a list has, `(..., n)`."""
    ranks = torch.arange(mask.shape[-1], device=mask.device)
    return ranks < mask.sum(dim=-1, keepdim=True)


def reversed_ranks(mask: Tensor) -> Tensor:
    """For each rank of a list, the same one counted from its other end, `(..., n)`.

    A permutation of all `n` ranks: those that a list does not have stay among themselves.
    """
    n = mask.shape[-1]
    ranks = torch.arange(n, device=mask.device)
    return (mask.sum(dim=-1, keepdim=True) - 1 - ranks) % n


def reverse_rows(matrix: Tensor, mask: Tensor | None) -> Tensor:
    """The rows of `(..., n, n)`, one per rank, in the order of the other direction."""
    if mask is None:
        return matrix.flip(-2)
    return matrix.gather(-2, reversed_ranks(mask).unsqueeze(-1).expand_as(matrix))


def softmax_of_present(logits: Tensor, mask: Tensor | None) -> Tensor:
    """The softmax over the last dimension of `(..., n, n)`; 0 in the rows of ranks not there."""
    if mask is None:
        return logits.softmax(dim=-1)
    exists = existing_ranks(mask).unsqueeze(-1)
    return torch.where(exists, torch.where(exists, logits, 0.0).softmax(dim=-1), 0.0)


def hide_absent(logits: Tensor, mask: Tensor | None) -> Tensor:
    """The logits `(..., n, n)` of ranks by elements, -inf where either is not there."""
    if mask is None:
        return logits
    pairs = existing_ranks(mask).unsqueeze(-1) & mask.unsqueeze(-2)
    return torch.where(pairs, logits, -torch.inf)
