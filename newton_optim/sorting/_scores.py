"""The checks and the precision that all sorting operators share."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from newton_optim._checks import check_float_tensor


def check_scores(scores: Any, *, n: int | None = None) -> Tensor:
    """``scores`` if they are a floating-point tensor `(..., n)`.

    Args:
        scores: the tensor to check.
        n: the number of scores per sample; any number of at least 1 by default.
    """
    checked = check_float_tensor("scores", scores)
    found = checked.shape[-1] if checked.ndim else 0
    if found == 0 or found != (n or found):
        expected = "(..., n) with n of at least 1" if n is None else f"(..., {n})"
        raise ValueError(f"scores must have shape {expected}, got shape {tuple(checked.shape)}")
    return checked


def at_least_float32(dtype: torch.dtype) -> torch.dtype:
    """The dtype of results for scores of ``dtype``: half precision is computed in float32."""
    return torch.promote_types(dtype, torch.float32)
