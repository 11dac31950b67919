"""The networks of the package diffsort, in the convention of this one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor


def is_diffsort(operator: Any) -> bool:
    """Whether ``operator`` is a ``diffsort.DiffSortNet``, whether diffsort is installed or not."""
    return any(
        base.__name__ == "DiffSortNet" and base.__module__.partition(".")[0] == "diffsort"
        for base in type(operator).__mro__
    )


def diffsort_permutation(operator: Callable[[Tensor], Any], scores: Tensor) -> Tensor:
    """`P` of a ``DiffSortNet``, which takes a matrix and returns (sorted scores, `P` transposed).

    Args:
        operator: the network.
        scores: `(..., n)`.

    Returns:
        `P`, shape `(..., n, n)`.
    """
    _, transposed = operator(scores.reshape(-1, scores.shape[-1]))
    P: Tensor = transposed.mT
    return P.reshape(*scores.shape, scores.shape[-1])
