"""Labels, rankings, permutations, and seeds of noise."""

from __future__ import annotations

import torch
from hypothesis import strategies as st
from torch import Tensor

from newton_optim._checks import check_integer
from newton_optim.testing.strategies._draws import dtypes, grid_steps, sizes, tensor


@st.composite
def class_labels(
    draw: st.DrawFn, *, classes: int, samples: int | tuple[int, int] = (1, 4)
) -> Tensor:
    """Classes `(N,)`, int64 in `[0, classes)`. Shrinks to zeros.

    Args:
        draw: provided by Hypothesis.
        classes: the number of classes.
        samples: N, or a range of it.

    Raises:
        TypeError: if an argument is not an integer.
        ValueError: if one is below 1.
    """
    last, N = check_integer("classes", classes) - 1, draw(sizes("samples", samples))
    return torch.tensor(draw(grid_steps(N, 0, last)))


@st.composite
def labels(
    draw: st.DrawFn,
    *,
    n: int,
    samples: int | tuple[int, int] = (1, 4),
    dtype: torch.dtype | None = None,
) -> Tensor:
    """Values to sort by, `(N, n)`: integers from 0 to n, with ties. Shrinks to zeros.

    Args:
        draw: provided by Hypothesis.
        n: how many values a sample has.
        samples: N, or a range of it.
        dtype: float64 or float32 by default.

    Raises:
        TypeError: if an argument is of the wrong kind.
        ValueError: if a size is below 1.
    """
    width, N = check_integer("n", n), draw(sizes("samples", samples))
    kind = draw(dtypes(dtype))
    return tensor(draw(grid_steps(N * width, 0, width)), (N, width), kind)


@st.composite
def rankings(draw: st.DrawFn, *, n: int, samples: int | tuple[int, int] = (1, 4)) -> Tensor:
    """Ranks `(N, n)`, int64, each row a permutation of 0 to n - 1. Shrinks to `(0, 1, 2, …)`.

    Args:
        draw: provided by Hypothesis.
        n: how many ranks a sample has.
        samples: N, or a range of it.

    Raises:
        TypeError: if an argument is not an integer.
        ValueError: if one is below 1.
    """
    N = draw(sizes("samples", samples))
    return torch.stack([draw(permutations(n)) for _ in range(N)])


def permutations(n: int) -> st.SearchStrategy[Tensor]:
    """Permutations of 0 to n - 1, int64 `(n,)`. Shrinks to the identity.

    Args:
        n: how many numbers are permuted.

    Raises:
        TypeError: if it is not an integer.
        ValueError: if it is below 1.
    """
    return st.permutations(range(check_integer("n", n))).map(torch.tensor)


def seeds() -> st.SearchStrategy[int]:
    """Seeds of noise, for ``torch.Generator().manual_seed``. Shrinks to 0."""
    return st.integers(0, 2**32 - 1)
