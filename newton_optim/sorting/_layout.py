"""The layout of the softmax operators' ranking loss: the batch comes last.

The loops over the samples of `(row, column, *batch)` are contiguous.
"""

from __future__ import annotations

import torch
from torch import Tensor


def batch_last(values: Tensor) -> Tensor:
    """`(*batch, n)` as `(n, *batch)`, contiguous."""
    return values.permute(-1, *range(values.ndim - 1)).contiguous()


def batch_first(matrix: Tensor) -> Tensor:
    """`(n, n, *batch)` as `(*batch, n, n)`, contiguous."""
    return matrix.permute(*range(2, matrix.ndim), 0, 1).contiguous()


def differences(values: Tensor) -> Tensor:
    """`values[i] - values[j]`, `(n, *batch)` to `(n, n, *batch)`."""
    return values.unsqueeze(1) - values.unsqueeze(0)


def pairs(present: Tensor) -> Tensor:
    """Whether both elements of a pair are present, `(n, *batch)` to `(n, n, *batch)`."""
    return present.unsqueeze(1) & present.unsqueeze(0)


def along_dimension(dim: int, ndim: int, vector: Tensor) -> Tensor:
    """A vector laid along one of ``ndim`` dimensions; the others have size 1."""
    return vector.reshape([-1 if d == dim else 1 for d in range(ndim)])


def inverse_permutation(order: Tensor) -> Tensor:
    """The inverse of the permutations ``order`` of `(n, *batch)`."""
    indices = torch.arange(order.shape[0], device=order.device)
    return order.scatter(0, order, along_dimension(0, order.ndim, indices).expand_as(order))
