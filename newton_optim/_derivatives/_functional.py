"""Vector-Jacobian products by `torch.func`, and its errors in terms of the loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

VectorJacobian = Callable[[Tensor], tuple[Tensor]]
"""From a cotangent to the cotangent of the input, as `torch.func.vjp` returns it."""


def batched_vjp(vjp: VectorJacobian, vectors: Tensor, chunk_size: int | None) -> Tensor:
    """The products with vectors `(k, ...)`, detached, ``chunk_size`` at once (all for ``None``).

    One at a time where an operation has no batching rule.
    """
    try:
        return torch.func.vmap(lambda v: vjp(v)[0], chunk_size=chunk_size)(vectors).detach()
    except RuntimeError:
        rows: Tensor = call_functional(lambda v: torch.stack([vjp(row)[0] for row in v]), vectors)
        return rows.detach()


def call_functional(function: Callable[[Tensor], Any], argument: Tensor) -> Any:
    """`function(argument)`, with what autograd or `torch.func` cannot do as a ``ValueError``."""
    try:
        return function(argument)
    except RuntimeError as error:
        raise ValueError(
            f"loss cannot be differentiated by torch.func: {error} Pass the loss as a tensor, "
            'which is differentiated by torch.autograd, or use curvature="fisher", or give it a '
            "`derivatives` method"
        ) from error
