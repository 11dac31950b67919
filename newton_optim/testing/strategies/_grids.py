"""Costs on grids."""

from __future__ import annotations

import torch
from hypothesis import strategies as st
from torch import Tensor

from newton_optim.testing.strategies._draws import GRID, dtypes, grid_steps, sizes, tensor


@st.composite
def grid_costs(
    draw: st.DrawFn,
    *,
    height: int | tuple[int, int] = (1, 6),
    width: int | tuple[int, int] = (1, 6),
    samples: int | tuple[int, int] = (1, 3),
    positive: bool = False,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """Costs `(N, height, width)` of the cells of grids, at least 0.

    They are drawn from few levels (ties) or many, cell by cell or in blocks of 2×2 cells
    (plateaus). Zero is one of the levels unless ``positive``. Shrinks to zeros (to ones if
    ``positive``) on the smallest grid.

    Args:
        draw: provided by Hypothesis.
        height: of the grid, or a range of it.
        width: of the grid, or a range of it.
        samples: N, or a range of it.
        positive: whether all costs are at least 1.
        dtype: float64 or float32 by default.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if a size is below 1.
    """
    N, kind = draw(sizes("samples", samples)), draw(dtypes(dtype))
    H, W = draw(sizes("height", height)), draw(sizes("width", width))
    top = draw(st.sampled_from([1, 3, 10 * GRID]))
    block = draw(st.sampled_from([1, 2]))
    rows, columns = -(-H // block), -(-W // block)
    levels = draw(grid_steps(N * rows * columns, 0, top))
    unit = 1.0 if top <= 3 else 1 / GRID
    coarse = tensor([unit * level + positive for level in levels], (N, rows, columns), kind)
    fine = coarse.repeat_interleave(block, 1).repeat_interleave(block, 2)
    return fine[:, :H, :W].contiguous()
