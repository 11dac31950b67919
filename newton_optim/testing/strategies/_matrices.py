"""Symmetric matrices, from their eigenvalues."""

from __future__ import annotations

from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor

from newton_optim._checks import check_integer, check_positive
from newton_optim.testing.strategies._draws import GRID, dtypes, grid_steps


def positive_definite_matrices(
    *, m: int, condition: float = 16.0, dtype: torch.dtype | None = None
) -> st.SearchStrategy[Tensor]:
    """Matrices `(m, m)` with eigenvalues from 1 to ``condition``. Shrinks to the identity.

    Args:
        m: the size.
        condition: the largest ratio of eigenvalues, at least 1.
        dtype: float64 or float32 by default.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if ``m`` is below 1 or ``condition`` not above 0.
    """
    return _matrices("definite", check_integer("m", m), condition, dtype)


def indefinite_matrices(
    *, m: int, condition: float = 16.0, dtype: torch.dtype | None = None
) -> st.SearchStrategy[Tensor]:
    """Matrices `(m, m)` with eigenvalues of both signs, from 1 to ``condition`` in size.

    Shrinks to `diag(-1, 1, 1, …)`.

    Args:
        m: the size, at least 2.
        condition: the largest ratio of the sizes of eigenvalues, at least 1.
        dtype: float64 or float32 by default.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if ``m`` is below 2 or ``condition`` not above 0.
    """
    return _matrices("indefinite", check_integer("m", m, minimum=2), condition, dtype)


def singular_matrices(
    *, m: int, condition: float = 16.0, dtype: torch.dtype | None = None
) -> st.SearchStrategy[Tensor]:
    """Positive semi-definite matrices `(m, m)` with one or more eigenvalues zero up to rounding.

    Shrinks to `diag(0, 1, 1, …)`.

    Args:
        m: the size.
        condition: the largest ratio of the other eigenvalues, at least 1.
        dtype: float64 or float32 by default.

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
    steps = torch.tensor(draw(grid_steps(m, 0, GRID)), dtype=torch.float64)
    eigenvalues = 1 + (largest - 1) * steps / GRID
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
    v = torch.tensor(draw(grid_steps(m, -8, 8)), dtype=torch.float64)
    return torch.eye(m, dtype=torch.float64) - 2 * torch.outer(v, v) / v.square().sum().clamp(min=1)
