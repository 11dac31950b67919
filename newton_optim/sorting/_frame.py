"""The frame in which the softmax operators' ranking loss is computed.

Rows and columns stand for the elements in one and the same order, so that the largest logit of
every row is on the diagonal. The batch comes last, `(row, column, *batch)`: the loops over the
samples are contiguous.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from newton_optim._checks import check_float_tensor


class Frame(NamedTuple):
    """Logits with the largest of each row on the diagonal, and the targets of the rows.

    Attributes:
        difference: `y_i - y_j` of the scores y in the order of the frame, `(n, n, *batch)`.
        logits: relative to the diagonal, whose value and derivatives are 0, `(n, n, *batch)`. These
            and the differences are float64 where the device has it.
        target: the column of the element that the labels want at the row's rank, `(n, *batch)`.
        position: where each element stands in the order of the frame, `(n, *batch)`, or None
            if that is its own index.
        dtype: that of the loss, at least float32.
    """

    difference: Tensor
    logits: Tensor
    target: Tensor
    position: Tensor | None
    dtype: torch.dtype


def check_scores(scores: Tensor) -> Tensor:
    """``scores`` if they are a floating-point tensor `(..., n)` with n of at least 1."""
    check_float_tensor("scores", scores)
    if scores.ndim == 0 or scores.shape[-1] == 0:
        raise ValueError(
            f"scores must have shape (..., n) with n of at least 1, got shape {tuple(scores.shape)}"
        )
    return scores


def widen(scores: Tensor) -> Tensor:
    """The scores in at least float32, in which everything is computed."""
    return scores.to(torch.promote_types(scores.dtype, torch.float32))


def float64(values: Tensor) -> Tensor:
    """Float64, where the device has it.

    Logits far below the largest of their row are compared with each other: float32 ones would
    have lost the difference.
    """
    return values if values.device.type == "mps" else values.double()


def batch_last(values: Tensor) -> Tensor:
    """`(*batch, n)` as `(n, *batch)`, contiguous."""
    return values.permute(-1, *range(values.ndim - 1)).contiguous()


def batch_first(matrix: Tensor) -> Tensor:
    """`(n, n, *batch)` as `(*batch, n, n)`, contiguous."""
    return matrix.permute(*range(2, matrix.ndim), 0, 1).contiguous()


def differences(values: Tensor) -> Tensor:
    """`values[i] - values[j]`, `(n, *batch)` to `(n, n, *batch)`."""
    return values.unsqueeze(1) - values.unsqueeze(0)


def along(dim: int, ndim: int, indices: Tensor) -> Tensor:
    """A vector of indices laid along one of `ndim` dimensions."""
    return indices.reshape([-1 if d == dim else 1 for d in range(ndim)])


def inverse(order: Tensor) -> Tensor:
    """The inverse of the permutations `order` of `(n, *batch)`."""
    indices = torch.arange(order.shape[0], device=order.device)
    return order.scatter(0, order, along(0, order.ndim, indices).expand_as(order))
