"""Symmetric matrices from their eigenvalues, and costs on grids."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor

from newton_optim._checks import check_integer, check_positive
from newton_optim.testing._strategies_outputs import GRID, dtypes, sizes, tensor


def positive_definite_matrices(
    *, m: int, condition: float = 16.0, dtype: torch.dtype | None = None
) -> st.SearchStrategy[Tensor]:
    """Matrices `(m, m)` with eigenvalues from 1 to ``condition``. Shrinks to the identity.

    Args:
        m: the size.
        condition: the largest ratio of eigenvalues, at least 1.
        dtype: float64 and float32 by default.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if ``m`` is below 1 or ``condition`` not above 0.
    """
    return _matrices("definite", check_integer("m", m), condition, dtype)


def indefinite_matrices(
    *, m: int, condition: float = 16.0, dtype: torch.dtype | None = None
) -> st.SearchStrategy[Tensor]:
    """Matrices `(m, m)` with eigenvalues of both signs, 1 to ``condition`` in size.

    Shrinks to `diag(-1, 1, 1, …)`.

    Args:
        m: the size, at least 2.
        condition: the largest ratio of the sizes of eigenvalues, at least 1.
        dtype: float64 and float32 by default.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if ``m`` is below 2 or ``condition`` not above 0.
    """
    return _matrices("indefinite", check_integer("m", m, minimum=2), condition, dtype)


def singular_matrices(
    *, m: int, condition: float = 16.0, dtype: torch.dtype | None = None
) -> st.SearchStrategy[Tensor]:
    """Positive semi-definite matrices `(m, m)` with at least one eigenvalue of zero to rounding.

    Shrinks to `diag(0, 1, 1, …)`.

    Args:
        m: the size.
        condition: the largest ratio of the other eigenvalues, at least 1.
        dtype: float64 and float32 by default.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if ``m`` is below 1 or ``condition`` not above 0.
    """
    return _matrices("singular", check_integer("m", m), condition, dtype)


@st.composite
def _matrices(
    draw: st.DrawFn, kind: str, m: int, condition: float, dtype: torch.dtype | None
) -> Tensor:
    largest, number = check_positive("condition", condition), draw(dtypes(dtype))
    sizes_of = draw(st.lists(st.integers(0, GRID), min_size=m, max_size=m))
    eigenvalues = 1 + (largest - 1) * torch.tensor(sizes_of, dtype=torch.float64) / GRID
    if kind == "indefinite":
        negative = draw(st.integers(1, m - 1))
        eigenvalues[:negative] *= -1
    if kind == "singular":
        zeros = draw(st.integers(1, m))
        eigenvalues[:zeros] = 0.0
    Q = _reflection(draw, m) @ _reflection(draw, m)
    matrix = (Q * eigenvalues) @ Q.T
    return ((matrix + matrix.T) / 2).to(number)


def _reflection(draw: Any, m: int) -> Tensor:
    """`I - 2 v vᵀ / vᵀv`, an orthogonal matrix; the identity for v = 0, to which it shrinks."""
    v = torch.tensor(
        draw(st.lists(st.integers(-8, 8), min_size=m, max_size=m)), dtype=torch.float64
    )
    return torch.eye(m, dtype=torch.float64) - 2 * torch.outer(v, v) / v.square().sum().clamp(min=1)


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

    They are drawn from few levels (ties) or many, cell by cell or as blocks of 2×2 cells
    (plateaus); zero is one of the levels unless ``positive``. Shrinks to zeros (ones, if positive)
    on the smallest grid.

    Args:
        draw: given by Hypothesis.
        height: of the grid, or the range of it.
        width: of the grid, or the range of it.
        samples: N, or the range of it.
        positive: whether costs are above 0: from 1 on.
        dtype: float64 and float32 by default.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if a size is below 1.
    """
    N, kind = draw(sizes("samples", samples)), draw(dtypes(dtype))
    H, W = draw(sizes("height", height)), draw(sizes("width", width))
    top = draw(st.sampled_from([1, 3, 10 * GRID]))
    block = draw(st.sampled_from([1, 2]))
    rows, columns = -(-H // block), -(-W // block)
    count = N * rows * columns
    levels = draw(st.lists(st.integers(0, top), min_size=count, max_size=count))
    unit = 1.0 if top <= 3 else 1 / GRID
    coarse = tensor([unit * level + positive for level in levels], (N, rows, columns), kind)
    fine = coarse.repeat_interleave(block, 1).repeat_interleave(block, 2)
    return fine[:, :H, :W].contiguous()
