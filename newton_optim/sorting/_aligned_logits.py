"""The logits from which the softmax operators' ranking loss is computed."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from newton_optim.sorting._layout import along_dimension, batch_last


class AlignedLogits(NamedTuple):
    """Logits with the largest of each row on the diagonal, and the targets of the rows.

    Rows and columns have the elements in the same order. The batch comes last.

    Attributes:
        sign: 1 where the rank of a row is above that of a column, -1 where it is below, 0 on the
            diagonal, `(n, n, *batch)`, or of size 1 where the batch shares it. Of equal scores,
            the labels decide. 0 where either is absent.
        logits: relative to the diagonal, whose value and derivatives are 0, `(n, n, *batch)`. They
            are float64 where the device has it: logits far below the largest of their row are
            compared with each other, and float32 would lose their difference.
        target: the column of the element that the labels want at the row's rank, `(n, *batch)`.
        rank: the rank of each element's score, `(n, *batch)`.
        by_rank: whether rows and columns have the order of the ranks; else that of the elements.
        dtype: that of the loss, at least float32.
    """

    sign: Tensor
    logits: Tensor
    target: Tensor
    rank: Tensor
    by_rank: bool
    dtype: torch.dtype

    def of_rows(self, weights: Tensor | None) -> Tensor | None:
        """What is given for the ranks, `(n,)` or `(*batch, n)`, for the rows, `(n, 1, *batch)`.

        ``None`` is that all rows are alike, and stays ``None``.
        """
        if weights is None:
            return None
        by_rank = batch_last(weights)
        if by_rank.ndim < self.rank.ndim:
            by_rank = along_dimension(0, self.rank.ndim, weights)
        if not self.by_rank:
            by_rank = by_rank.expand_as(self.rank).gather(0, self.rank)
        return by_rank.unsqueeze(1)


def ranks_of_signs(sign: Tensor) -> Tensor:
    """The rank of each element: how many it is above, `(n, *batch)`.

    A score that is NaN is above none, and none is above it: ranks stay between 0 and `n - 1`.

    Args:
        sign: 1 where the row's element is above the column's, -1 where below, `(n, n, *batch)`.
    """
    return (sign > 0).sum(dim=1)


def hide_absent_pairs(logits: Tensor, present: Tensor) -> Tensor:
    """Logits `(n, n, *batch)` with columns of absent elements that have no weight.

    Rows of absent elements, and the row of an element that is alone, have no second column: there
    the logits are 0, so that whatever is computed from them is finite.

    Args:
        logits: in the order of ``present``.
        present: which elements are present, `(n, *batch)`.
    """
    rows, columns = present.unsqueeze(1), present.unsqueeze(0)
    filling = torch.where(rows & (present.sum(dim=0) > 1), -torch.inf, 0.0).to(logits.dtype)
    return torch.where(rows & columns, logits, filling)
