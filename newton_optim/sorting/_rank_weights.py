"""The weights of the ranks in the ranking loss: the first k alone, or one weight per rank."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from newton_optim._checks import describe, known_true
from newton_optim.sorting._mask import existing_ranks, reversed_ranks
from newton_optim.sorting._scores import at_least_float32


@dataclass(frozen=True)
class RankWeights:
    """Weights `ρ_r` of the ranks `r`, in the operator's own direction.

    Attributes:
        k: how many ranks count; all for ``None``.
        table: the weights of the ranks 0, 1, ..., of shape `(n or more,)`; 1 for ``None``.
    """

    k: int | None = None
    table: Tensor | None = None

    def of_rows(self, scores: Tensor, mask: Tensor | None, *, reverse: bool) -> Tensor | None:
        """The factors of the rows' sums in a list's loss, `ρ_r / (m Σ ρ)`; they follow no score.

        `m` is the length of the list. A list of one element has no loss, so its factors are 0.

        Args:
            scores: `(..., n)`; only their shape, dtype and device play a part.
            mask: which elements are present, `(..., n)`; all for ``None``.
            reverse: whether the rows are in the reverse of the operator's own direction.

        Returns:
            `(..., n)`; without a mask `(n,)`, or ``None`` for `1/n²` in all rows.
        """
        if self.k is None and self.table is None and mask is None:
            return None
        self._check(scores.shape[-1])
        whole = scores.new_ones(scores.shape[-1], dtype=torch.bool) if mask is None else mask
        ranks = torch.arange(scores.shape[-1], device=scores.device)
        own = reversed_ranks(whole) if reverse else ranks
        dtype = at_least_float32(scores.dtype)
        counts = existing_ranks(whole) & (own < (self.k or len(ranks)))
        table = scores.new_ones(len(ranks), dtype=dtype) if self.table is None else self.table
        weights = torch.where(counts, table.to(scores.device, dtype)[own], 0.0)
        length = whole.sum(dim=-1, keepdim=True)
        total = weights.sum(dim=-1, keepdim=True) * length
        return torch.where((total > 0) & (length > 1), weights / total, 0.0)

    def _check(self, n: int) -> None:
        if self.k is not None and self.k > n:
            raise ValueError(f"k must be at most n = {n}, the scores per sample, got {self.k}")
        if self.table is not None and len(self.table) < n:
            raise ValueError(
                f"rank_weight must have at least n = {n} weights, one per rank, "
                f"got {len(self.table)}"
            )


EQUAL_RANKS = RankWeights()


def check_rank_weight(weights: Any) -> Tensor | None:
    """``weights`` as a floating-point tensor `(n,)`, if they are ``None`` or weights of ranks."""
    if weights is None:
        return None
    table = _as_tensor(weights)
    if table.is_complex() or table.dtype == torch.bool:
        raise TypeError(f"rank_weight must be real numbers, got {describe(weights)}")
    if table.ndim != 1 or len(table) == 0:
        raise ValueError(f"rank_weight must have shape (n,), got shape {tuple(table.shape)}")
    if not table.is_floating_point():
        table = table.to(torch.get_default_dtype())
    if known_true(~((table >= 0) & table.isfinite()).all()):
        raise ValueError(
            "rank_weight must be finite and at least 0, got at least one weight that is not"
        )
    if known_true((table == 0).all()):
        raise ValueError("rank_weight must have a weight above 0, got none")
    return table


def _as_tensor(weights: Any) -> Tensor:
    if isinstance(weights, Tensor):
        return weights.detach().clone()
    # On the device "meta", a default that holds no values, they would be lost.
    device = "cpu" if torch.get_default_device().type == "meta" else None
    try:
        return torch.as_tensor(weights, device=device).clone()
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(
            f"rank_weight must be a sequence or tensor of numbers, got {describe(weights)}"
        ) from error
