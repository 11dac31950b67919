"""The costs of grids: their checks, and the form in which the exact solver adds them up."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from newton_optim._checks import check_float_tensor
from newton_optim._precision import to_widest


def check_grids(costs: Any) -> Tensor:
    """``costs`` if they are a floating-point tensor `(..., H, W)` of grids that have cells."""
    checked = check_float_tensor("costs", costs)
    if checked.ndim < 2 or 0 in checked.shape[-2:]:
        raise ValueError(
            "costs must have shape (..., H, W) with H and W of at least 1, "
            f"got shape {tuple(checked.shape)}"
        )
    return checked


def prepare_costs(costs: Tensor, negative: str) -> tuple[Tensor, Tensor | None]:
    """The costs in a dtype and scale that sums can be made of, and where a sum may absorb one.

    Args:
        costs: shape `(batch, H, W)`.
        negative: ``"raise"`` or ``"clamp"``.

    Returns:
        The costs, `(H, W, batch)`, and for each grid, `(batch,)`, whether a distance may absorb a
        cost (``None`` if there is no such grid).

    Raises:
        ValueError: if a cost is NaN, -infinity, or negative and not clamped.
    """
    _, H, W = costs.shape
    grids = costs.permute(1, 2, 0)
    grids = to_widest(grids).contiguous()
    least, most = _smallest_and_largest(grids)
    if math.isnan(least):
        raise ValueError("costs must not be NaN")
    if least == -math.inf or (least < 0 and negative == "raise"):
        hint = "" if least == -math.inf else '; negative="clamp" replaces negative ones by 0'
        raise ValueError(f"costs must be at least 0, got {least}{hint}")
    if least < 0:
        grids = grids.clamp(min=0.0)
    limits, cells = torch.finfo(grids.dtype), H * W
    if most > limits.max / cells:  # A sum must not overflow: infinity is a wall.
        grids = grids * 2.0 ** -cells.bit_length()
    absorbs = None
    if not least > limits.eps * cells * most:
        highest = grids.masked_fill(grids == math.inf, 0.0).flatten(0, 1).amax(0)
        absorbs = ~(grids.flatten(0, 1).amin(0) > limits.eps * cells * highest)
    return grids, absorbs


def _smallest_and_largest(costs: Tensor) -> tuple[float, float]:
    """The smallest and the largest cost."""
    try:
        least, most = costs.aminmax()
        return float(least), float(most)
    except RuntimeError as error:
        raise ValueError(
            "grid_shortest_path cannot run under torch.func.vmap, because the number of its rounds "
            "depends on the values: call it outside; all leading dimensions of the costs are batch"
        ) from error
