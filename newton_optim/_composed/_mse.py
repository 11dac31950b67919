"""PyTorch's mean squared error as a separable outer part."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from newton_optim._composed._separable import SeparableLoss, Whitened
from newton_optim._composed._squared import SquaredLoss


def separable_part(
    outer: Callable[..., Any], kwargs: Mapping[str, Any], reduction: str
) -> Callable[..., Whitened] | None:
    """How to whiten ``outer``; ``None`` if it is not known to be separable.

    Args:
        outer: the outer part of a loss.
        kwargs: its keyword arguments.
        reduction: how a 0-dim loss is reduced: "mean" or "sum".
    """
    if isinstance(outer, SeparableLoss):
        return outer.whitened
    if type(outer) is nn.MSELoss and not kwargs and outer.reduction in {"mean", "sum"}:
        return _whitened_mse(outer.reduction, reduction)
    return None


def _whitened_mse(own: str, reduction: str) -> Callable[..., Whitened]:
    """`l_i = c Σ_k e²` with c = N/(Nk) for the mean of all entries under ``reduction="mean"``."""

    def whitened(result: Tensor, target: Tensor) -> Whitened:
        found = SquaredLoss().whitened(result, target)
        N, k = found.residual.shape
        c = (1.0 / (N * k) if own == "mean" else 1.0) * (N if reduction == "mean" else 1)
        root = math.sqrt(2.0 * c)
        scale = torch.full_like(found.residual, root)
        return Whitened(2.0 * c * found.value, root * found.residual, scale)

    return whitened
